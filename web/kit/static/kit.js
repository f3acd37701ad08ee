// What the scripts of every page share: asking the server, saying what goes on, and speaking to authenticators.
import { _ } from "./words.js";

const meta = (name) => document.querySelector(`meta[name="${name}"]`).content;
export const prefix = meta("prefix");

export const say = (text, failed = false) => {
  const place = document.getElementById("statut");
  place.textContent = text;
  place.className = failed ? "error" : "";
};

export class Failed extends Error {
  constructor(status, answer) {
    super(answer.error ? `${answer.error} ${answer.advice ?? ""}` : _("Le service n'a pas répondu comme prévu. Réessayez."));
    this.status = status;
  }
}

export async function post(path, body) {
  let answer;
  try {
    answer = await fetch(prefix + path, {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-Sceau-Token": meta("csrf") },
      body: JSON.stringify(body),
    });
  } catch {
    throw new Failed(0, { error: _("Le réseau ne répond pas."), advice: _("Vérifiez votre connexion, puis recommencez.") });
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Failed(answer.status, said);
  return said;
}

export const encode = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
export const decode = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));
const descriptors = (list) => (list ?? []).map((each) => ({ ...each, id: decode(each.id) }));

export async function create({ publicKey }) {
  const made = await navigator.credentials.create({
    publicKey: {
      ...publicKey,
      challenge: decode(publicKey.challenge),
      user: { ...publicKey.user, id: decode(publicKey.user.id) },
      excludeCredentials: descriptors(publicKey.excludeCredentials),
    },
  });
  const { clientDataJSON, attestationObject } = made.response;
  return {
    id: made.id, rawId: encode(made.rawId), type: made.type, clientExtensionResults: {},
    response: { clientDataJSON: encode(clientDataJSON), attestationObject: encode(attestationObject) },
  };
}

// `how`: what else the browser is told, such as to wait in a field (conditional mediation) and until when.
export async function show({ publicKey }, how = {}) {
  const shown = await navigator.credentials.get({
    ...how,
    publicKey: {
      ...publicKey,
      challenge: decode(publicKey.challenge),
      allowCredentials: descriptors(publicKey.allowCredentials),
    },
  });
  const { clientDataJSON, authenticatorData, signature } = shown.response;
  return {
    id: shown.id, rawId: encode(shown.rawId), type: shown.type, clientExtensionResults: {},
    response: {
      clientDataJSON: encode(clientDataJSON), authenticatorData: encode(authenticatorData), signature: encode(signature),
    },
  };
}

const REASONS = {
  NotAllowedError: _("L'appareil n'a pas répondu, ou vous avez annulé. Recommencez quand vous voulez."),
  InvalidStateError: _("Cet appareil a déjà une clé d'accès pour ce compte."),
  SecurityError: _("Cette page n'est pas à l'adresse où les clés d'accès sont valables."),
  NotSupportedError: _("Cet appareil ne sait pas créer ce genre de clé d'accès."),
};

// Runs one action at a time behind a button, and says how it ends.
export const behind = (button, action) => {
  if (!button) return;
  const begin = async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    say("");
    try {
      await action(button);
    } catch (error) {
      say(REASONS[error.name] ?? error.message, true);
    }
    button.removeAttribute("aria-busy");
  };
  button.addEventListener(button.tagName === "FORM" ? "submit" : "click", begin);
};

// Shows the passkey again when the server asks for a fresh proof, then does the thing.
export async function freshly(action) {
  try {
    return await action();
  } catch (error) {
    if (error.status !== 401) throw error;
    const response = await show(await post("/connexion/options", { again: true }));
    await post("/connexion", { again: true, response });
    return action();
  }
}
