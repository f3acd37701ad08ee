// A form that is an act: the browser signs, with the passkey, the statement that the server wrote, and sends it back.
// <form data-act="/path">: its fields go to /path/options, the signed statement to /path. Boxes are lists; the rest is text.
import { behind, post, say, show } from "./kit.js";

const fields = (form) => {
  const found = {};
  for (const box of form.querySelectorAll("input[type=checkbox]")) found[box.name] = [];
  for (const [name, value] of new FormData(form)) {
    if (Array.isArray(found[name])) found[name].push(value);
    else found[name] = value;
  }
  return found;
};

for (const form of document.querySelectorAll("form[data-act]")) {
  let pressed = {};
  for (const button of form.querySelectorAll("button[name]")) {
    button.addEventListener("click", () => { pressed = { [button.name]: button.value }; });
  }
  behind(form, async () => {
    const path = form.dataset.act;
    const { statement, options, draft } = await post(`${path}/options`, { ...fields(form), ...pressed });
    const response = await show(options);
    say("Votre signature est vérifiée…");
    const done = await post(path, { statement, response, draft });
    location.assign(done.next);
  });
}
