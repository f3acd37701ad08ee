// A form that is an act: the browser signs, with the passkey, the statement that the server wrote, and sends it back.
// <form data-act="/path">: its fields go to /path/options, the signed statement to /path. Boxes are lists; the rest is text.
// Boxes that were ticked on other pages of the same form (`data-pages`) are remembered in this tab, and count.
import { behind, post, say, show } from "./kit.js";
import { _ } from "./words.js";

const remembered = (form) => JSON.parse(sessionStorage.getItem(form.dataset.act) ?? "[]");

const boxes = (form) => form.querySelectorAll("input[type=checkbox]");

const fields = (form) => {
  const found = {};
  for (const box of boxes(form)) found[box.name] = [];
  for (const [name, value] of new FormData(form)) {
    if (Array.isArray(found[name])) found[name].push(value);
    else found[name] = value;
  }
  if (form.dataset.pages) found[form.dataset.pages] = remembered(form);
  return found;
};

const tell = (form) => {
  const place = form.querySelector("[data-ticked]");
  const count = remembered(form).length;
  if (place) place.textContent = count ? _("Mises de côté, toutes pages comprises : %(count)s.", { count }) : "";
};

const remember = (form) => {
  const before = new Set(remembered(form));
  for (const box of boxes(form)) {
    box.checked = before.has(box.value);
    box.addEventListener("change", () => {
      const ticked = new Set(remembered(form));
      if (box.checked) ticked.add(box.value);
      else ticked.delete(box.value);
      sessionStorage.setItem(form.dataset.act, JSON.stringify([...ticked]));
      tell(form);
    });
  }
  tell(form);
};

for (const form of document.querySelectorAll("form[data-act]")) {
  let pressed = {};
  if (form.dataset.pages) remember(form);
  for (const button of form.querySelectorAll("button[name]")) {
    button.addEventListener("click", () => { pressed = { [button.name]: button.value }; });
  }
  behind(form, async () => {
    const path = form.dataset.act;
    const { statement, options, draft } = await post(`${path}/options`, { ...fields(form), ...pressed });
    const response = await show(options);
    say(_("Votre signature est vérifiée…"));
    const done = await post(path, { statement, response, draft });
    sessionStorage.removeItem(path);
    location.assign(done.next);
  });
}
