// Every sentence of a page, but what says that it is French (lang) or is a name or typed by somebody (translate): text, what stands
// in for it (title, alt, labels, buttons), and the title of the page before the name of the authority.
(() => {
  const isData = (element) => element.closest("[lang]:not(html):not([lang=en]), [translate=no], script, style, code");
  const said = [document.title.split(" – ")[0]];
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) if (!isData(texts.currentNode.parentElement)) said.push(texts.currentNode.data);
  for (const name of ["aria-label", "alt", "title", "placeholder", "data-label"]) {
    for (const each of document.querySelectorAll(`[${name}]`)) if (!isData(each)) said.push(each.getAttribute(name));
  }
  for (const each of document.querySelectorAll("input[type=submit], input[type=button]")) if (!isData(each)) said.push(each.value);
  return said.map((each) => each.replace(/\s+/g, " ").trim()).filter(Boolean);
})();
