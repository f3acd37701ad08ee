// The link and the code by which somebody comes in: shown once, to the officer who made them.
import { behind, freshly, post } from "./kit.js";

const at = (id) => document.getElementById(`invitation-${id}`);

behind(document.getElementById("invitation"), async (form) => {
  const { link, code, until } = await freshly(() => post(form.dataset.path, {}));
  at("lien").textContent = link;
  at("code").textContent = code;
  at("fin").textContent = until;
  at("faite").hidden = false;
  at("faite").focus();
});
