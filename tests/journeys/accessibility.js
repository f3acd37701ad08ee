// What a page must have so that everybody can use it (WCAG 2.2, level AA): our own checks, one sentence for each fault.
(() => {
  const faults = [];
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const seen = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
  const words = (text) => (text ?? "").replace(/\s+/g, " ").trim();
  const named = (element) => {
    const by = (element.getAttribute("aria-labelledby") ?? "").split(/\s+/).filter(Boolean);
    return words(by.map((id) => document.getElementById(id)?.textContent).join(" "))
      || words(element.getAttribute("aria-label"))
      || words([...(element.labels ?? [])].map((label) => label.textContent).join(" "))
      || words(element.textContent)
      || words(all("img[alt], svg[aria-label]", element).map((each) => each.alt ?? each.getAttribute("aria-label")).join(" "));
  };
  const show = (element) => element.outerHTML.slice(0, 120).replace(/\s+/g, " ");
  const fault = (rule, element) => faults.push(`${rule}: ${show(element)}`);

  all("details").forEach((each) => { each.open = true; });

  // 3.1.1, 2.4.2: the language and the title of the page.
  if (!/^[a-z]{2}/.test(document.documentElement.lang)) faults.push("3.1.1 the page has no language");
  if (!words(document.title)) faults.push("2.4.2 the page has no title");
  if (all("main").length !== 1) faults.push(`1.3.1 ${all("main").length} main parts`);

  // 1.3.1: one first heading, and none that skips a level.
  const headings = all("h1, h2, h3, h4, h5, h6").filter(seen);
  const first = headings.filter((each) => each.tagName === "H1");
  if (first.length !== 1) faults.push(`1.3.1 ${first.length} first headings`);
  headings.reduce((before, each) => {
    const level = Number(each.tagName[1]);
    if (level > before + 1) fault(`1.3.1 heading ${level} after ${before}`, each);
    if (!words(each.textContent)) fault("1.3.1 empty heading", each);
    return level;
  }, 0);

  // 4.1.1, 1.3.1: identifiers are of one element, and what is referred to exists.
  const ids = all("[id]").map((each) => each.id);
  ids.filter((id, place) => ids.indexOf(id) !== place).forEach((id) => faults.push(`4.1.1 two elements are called ${id}`));
  for (const name of ["for", "aria-labelledby", "aria-describedby", "aria-controls"]) {
    for (const each of all(`[${name}]`)) {
      for (const id of each.getAttribute(name).split(/\s+/).filter(Boolean)) {
        if (!document.getElementById(id)) fault(`1.3.1 ${name} refers to nothing`, each);
      }
    }
  }

  // 1.3.1, 4.1.2: what is filled in, pressed or followed says what it is.
  for (const each of all("input:not([type=hidden]), select, textarea").filter(seen)) {
    const own = { ...each, textContent: "" };
    if (!named({ labels: each.labels, textContent: "", getAttribute: (name) => each.getAttribute(name), querySelectorAll: () => [], ...own })) {
      fault("1.3.1 no label", each);
    }
  }
  all("button, a[href], summary").filter(seen).forEach((each) => { if (!named(each)) fault("4.1.2 no name", each); });
  all("img").forEach((each) => { if (!each.hasAttribute("alt")) fault("1.1.1 no alternative", each); });
  all("svg").forEach((each) => {
    const hidden = each.closest("[aria-hidden=true]");
    const by = (each.getAttribute("aria-labelledby") ?? "").split(/\s+/).map((id) => document.getElementById(id)?.textContent ?? "");
    const said = words(each.getAttribute("aria-label")) || words(by.join(" "));
    if (!hidden && !(each.getAttribute("role") === "img" && said)) fault("1.1.1 no alternative", each);
  });
  all("table").forEach((each) => {
    if (!each.caption) fault("1.3.1 a table without caption", each);
    all("th", each).forEach((head) => { if (!head.scope) fault("1.3.1 a heading of a table without scope", head); });
  });
  all("fieldset").forEach((each) => { if (!words(each.querySelector("legend")?.textContent)) fault("1.3.1 a group without legend", each); });

  // 2.5.8: what is pressed is 24 pixels high and wide at least, but for links within a sentence.
  const inSentence = (link) => {
    const own = words(link.textContent).length;
    return link.tagName === "A" && getComputedStyle(link).display === "inline" && words(link.parentElement.textContent).length > own;
  };
  for (const each of all("button, a[href], summary, input:not([type=hidden]), select, textarea").filter(seen)) {
    const boxes = [each, ...(each.labels ?? [])].map((box) => box.getBoundingClientRect());
    const big = boxes.some((box) => box.width >= 24 && box.height >= 24);
    if (!big && !inSentence(each) && !each.classList.contains("skip")) {
      const box = boxes[0];
      fault(`2.5.8 a target of ${Math.round(box.width)} × ${Math.round(box.height)}`, each);
    }
  }

  // 1.4.3: text stands out from what is behind it.
  const parse = (colour) => {
    const numbers = colour.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
    return numbers.length === 3 ? [...numbers, 1] : numbers;
  };
  const over = (top, under) => [0, 1, 2].map((place) => top[place] * top[3] + under[place] * (1 - top[3])).concat(1);
  const behind = (element) => {
    const layers = [];
    for (let each = element; each; each = each.parentElement) {
      const layer = parse(getComputedStyle(each).backgroundColor);
      layers.push(layer);
      if (layer[3] === 1) break;
    }
    return layers.reverse().reduce((under, layer) => over(layer, under), [255, 255, 255, 1]);
  };
  const light = (colour) => {
    const [red, green, blue] = colour.slice(0, 3).map((value) => {
      const part = value / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const contrast = (one, other) => {
    const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
    return (high + 0.05) / (low + 0.05);
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const judged = new Set();
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (judged.has(element) || !words(texts.currentNode.data) || !seen(element) || element.closest("script, noscript, :disabled")) continue;
    judged.add(element);
    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const ground = behind(element);
    const found = contrast(over(parse(style.color), ground), ground);
    if (found < (large ? 3 : 4.5)) fault(`1.4.3 contrast ${found.toFixed(2)}`, element);
  }
  for (const each of all("input:not([type=hidden]):not([type=checkbox]):not([type=radio]), select, textarea").filter(seen)) {
    const style = getComputedStyle(each);
    const around = contrast(parse(style.borderTopColor), behind(each.parentElement));
    if (around < 3) fault(`1.4.11 the edge of a field has contrast ${around.toFixed(2)}`, each);
  }

  // 1.4.10: nothing is wider than the screen.
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) {
    const wide = all("body *").filter((each) => seen(each) && each.getBoundingClientRect().right > root.clientWidth + 1).at(-1);
    faults.push(`1.4.10 ${root.scrollWidth} pixels wide on ${root.clientWidth}: ${wide ? show(wide) : ""}`);
  }
  return faults;
})();
