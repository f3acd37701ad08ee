// An officer decides: the browser signs, with the passkey, the statement that the server wrote.
import { behind, post, show } from "./kit.js";

behind(document.getElementById("decision"), async (form) => {
  const decision = form.dataset.decision;
  const path = `/lots/${form.dataset.batch}/decision`;
  const excluded = [...form.querySelectorAll("[name=excluded]:checked")].map((box) => Number(box.value));
  const { statement, options } = await post(`${path}/options`, { decision, excluded, reason: form.reason?.value });
  const done = await post(path, { statement, response: await show(options) });
  location.assign(done.next);
});

for (const button of document.querySelectorAll("#decision button[name=decision]")) {
  button.addEventListener("click", () => { button.form.dataset.decision = button.value; });
}
