// The language of the page: sentences are French, and their English comes from the server when the page is in English.
const isEnglish = document.documentElement.lang === "en";
const address = () => `${document.querySelector('meta[name="prefix"]').content}/langue/scripts.json`;
const english = isEnglish ? await fetch(address()).then((answer) => answer.json()).catch(() => ({})) : {};

// Says a French sentence in the language of the page, with its values: _("Encore %(left)s.", { left }).
export const _ = (sentence, values = {}) =>
  (english[sentence] ?? sentence.replace(/ (?=[:;?!»])|(?<=«) /g, "\u00a0")).replace(/%\((\w+)\)s/g, (_whole, name) => values[name]);
