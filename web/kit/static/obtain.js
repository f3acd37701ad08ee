// Asks for certificates with keys made in this browser, and follows them until they are there. Activation and renewal alike.
import { base64, unbase64 } from "./der.js";
import { forget, keep, makeKey } from "./keys.js";
import { Failed, post, prefix, show } from "./kit.js";
import { _ } from "./words.js";

const PATIENCE = 60_000; // milliseconds, for an issuer that needs a second
const PAUSE = 250;

// `wishes` are {profile, kind, title}; returns them with the key that was made for each.
export const makeKeys = (wishes) => Promise.all(wishes.map(async (wish) => ({ ...wish, key: await makeKey(wish.kind) })));

const pause = () => new Promise((resolve) => setTimeout(resolve, PAUSE));

async function ask(made, tell) {
  const csrs = made.map(({ key }) => base64(key.request));
  tell(1, _("Votre demande est préparée."));
  const { statement, requests, options } = await post("/certificats/options", {
    requests: made.map(({ profile }, place) => ({ profile, request: csrs[place] })),
  });
  tell(2, _("Votre appareil vous demande de signer."));
  const response = await show(options);
  return (await post("/certificats", { statement, requests, csrs, response })).batch;
}

async function orders(batch) {
  const answer = await fetch(`${prefix}/certificats/lots/${batch}`, { headers: { Accept: "application/json" } }).catch(() => null);
  return answer?.ok ? (await answer.json()).orders : [];
}

async function follow(batch, made, tell) {
  tell(3, _("Votre demande est signée. L'autorité fabrique vos certificats…"));
  for (const end = performance.now() + PATIENCE; performance.now() < end; await pause()) {
    const found = await orders(batch);
    if (found.length && found.every((order) => order.state !== "attente")) {
      return made.map((one) => ({ ...one, ...found.find((order) => order.profile === one.profile) }));
    }
  }
  const advice = _("Votre demande est gardée : revenez à l'accueil dans quelques minutes.");
  throw new Failed(0, { error: _("L'autorité est lente."), advice });
}

// Returns what was made: {profile, title, key, state, chain (octets), until, isKept}. Keys are kept in this browser before anything
// is asked, so that a page that closes loses nothing; a private window keeps nothing, and the person must then take the file.
export async function obtain(made, tell) {
  const isKept = await Promise.all(made.map(({ key, profile }) => keep(key, profile))).then(() => true, () => false);
  let batch;
  try {
    batch = await ask(made, tell);
  } catch (error) {
    // Without an answer the demand may have arrived: only a refusal makes a key useless.
    if (error.status !== 0 && isKept) await Promise.all(made.map(({ key }) => forget(key.id)));
    throw error;
  }
  const ended = await follow(batch, made, tell);
  for (const one of ended) {
    one.chain = (one.chain ?? []).map(unbase64);
    one.isKept = isKept && one.state === "fait";
    if (one.isKept) await keep(one.key, one.profile, one.chain);
    else if (isKept) await forget(one.key.id);
  }
  tell(4, "");
  return ended;
}
