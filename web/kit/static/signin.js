// Signing in, creating the first passkey from a one-time link, adding another one.
import { behind, create, freshly, post, show } from "./kit.js";

behind(document.getElementById("connexion"), async (button) => {
  const response = await show(await post("/connexion/options", {}));
  location.assign((await post("/connexion", { response, next: button.dataset.next })).next);
});

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
