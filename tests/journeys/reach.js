// What the keyboard must reach: names each control that is there, and from then on notes which was
// reached, and whether it showed it. A group of radio buttons is one control.
(() => {
  const groups = new Set();
  const controls = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary")].filter((each) => {
    if (!each.checkVisibility({ visibilityProperty: true }) || each.disabled || each.tabIndex < 0) return false;
    if (each.type !== "radio") return true;
    const first = !groups.has(each.name);
    groups.add(each.name);
    return first;
  });
  controls.forEach((each, place) => { each.dataset.reach = each.type === "radio" ? `group ${each.name}` : String(place); });
  document.querySelectorAll("input[type=radio]").forEach((each) => { each.dataset.reach = `group ${each.name}`; });
  window.reached = {};
  document.addEventListener("focusin", ({ target }) => {
    const name = target.dataset?.reach;
    if (name) window.reached[name] ||= getComputedStyle(target).outlineStyle !== "none";
  });
  document.activeElement?.blur();
  getSelection()?.removeAllRanges();
  return controls.map((each) => each.dataset.reach);
})();
