// Letters open accounts: the passkey is shown again before they are made. For a whole batch, or for one person of it.
import { behind, freshly, post, say } from "./kit.js";
import { _ } from "./words.js";

for (const form of document.querySelectorAll("form[data-letters]")) {
  behind(form, async () => {
    const done = await freshly(() => post(form.dataset.letters, { holder: form.dataset.holder ?? "" }));
    say(_("Les lettres se font…"));
    location.assign(done.next);
  });
}
