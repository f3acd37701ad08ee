// Letters open accounts: the passkey is shown again before they are made.
import { behind, freshly, post, say } from "./kit.js";

behind(document.getElementById("lettres"), async (form) => {
  const done = await freshly(() => post(form.dataset.path, {}));
  say("Les lettres se font…");
  location.assign(done.next);
});
