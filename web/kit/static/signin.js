// Signing in, creating the first passkey from a one-time link, adding another one.
import { behind, create, freshly, post, say, show } from "./kit.js";

const FRESH = 4 * 60 * 1000; // Milliseconds: the server takes its question back after five minutes.
const field = document.getElementById("saisie");
let pending; // The question that waits in the field: a browser asks one thing at a time, so the button takes it back first.

const ask = () => post("/connexion/options", {});
const enter = async (response, { next }) => location.assign((await post("/connexion", { response, next })).next);

const looked = () =>
  new Promise((go) => {
    const look = () => document.hidden || (document.removeEventListener("visibilitychange", look), go());
    document.addEventListener("visibilitychange", look);
    look();
  });

// Has the browser propose passkeys inside the field (conditional mediation), for as long as somebody looks at the page. Where it
// cannot, or will not, the field is hidden and the button does everything: nothing is said, for nobody asked for anything.
async function propose() {
  await looked();
  const question = (pending = new AbortController());
  const old = setTimeout(() => (question.abort(), propose()), FRESH);
  try {
    const shown = await show(await ask(), { mediation: "conditional", signal: question.signal });
    await enter(shown, field.dataset).catch((error) => (say(error.message, true), propose()));
  } catch {
    if (!question.signal.aborted) field.hidden = true;
  } finally {
    clearTimeout(old);
  }
}

behind(document.getElementById("connexion"), async (button) => {
  pending?.abort();
  try {
    await enter(await show(await ask()), button.dataset);
  } catch (error) {
    if (field && !field.hidden) propose();
    throw error;
  }
});

if (field) {
  globalThis.PublicKeyCredential?.isConditionalMediationAvailable?.().then((able) => {
    field.hidden = !able;
    if (able) propose();
  }, () => {});
}

behind(document.getElementById("entree"), async (form) => {
  const path = `/entree/${form.dataset.token}`;
  const code = form.code?.value;
  const response = await create(await post(`${path}/options`, { code }));
  location.assign((await post(path, { code, name: form.nom.value, response })).next);
});

behind(document.getElementById("autre"), async (form) => {
  const options = await freshly(() => post("/cles/options", {}));
  const response = await create(options);
  location.assign((await post("/cles", { name: form.nom.value, response })).next);
});
