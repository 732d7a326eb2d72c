// The table of scores by class: numbers with bars, sortable by each column.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const { words } = landcover;
  const { make } = landcover.elements;
  const COLUMNS = [["iou", "IoU"], ["precision", "Precision"], ["recall", "Recall"], ["f1", "F1"], ["share", "Share"]];

  /**
   * @param {Array<Object>} classes
   * @param {Object} scores  with `by_class`, `mean_iou`, `mean_accuracy`
   * @param {string} caption
   * @returns {HTMLElement}  a table in a box in which it scrolls if it is wide
   */
  landcover.classTable = (classes, scores, caption) => {
    const body = make("tbody");
    const rows = classes.map((shown, label) => ({ label, name: shown.name, row: row(shown, scores.by_class, label) }));
    const headers = [["name", "Class"], ...COLUMNS].map(([key, title]) => {
      const button = make("button", { type: "button" }, title);
      const header = make("th", { scope: "col" }, button);
      button.addEventListener("click", () => sort(key, header));
      return header;
    });
    const sort = (key, header) => {
      const before = header.getAttribute("aria-sort");
      const isDescending = key === "name" ? before === "ascending" : before !== "descending";
      headers.forEach((other) => other.removeAttribute("aria-sort"));
      header.setAttribute("aria-sort", isDescending ? "descending" : "ascending");
      body.replaceChildren(...sorted(rows, scores.by_class, key, isDescending).map(({ row }) => row));
    };
    body.append(...rows.map(({ row }) => row));
    const foot = [scores.mean_iou, null, scores.mean_accuracy, null, null];
    const table = make("table", { class: "lc-classes" },
      make("caption", {}, make("bdi", {}, caption)),
      make("thead", {}, make("tr", {}, ...headers)),
      body,
      make("tfoot", {}, make("tr", {}, make("th", { scope: "row" }, "mean"),
        ...foot.map((value) => make("td", {}, value === null || value === undefined ? "" : words.score(value))))));
    return make("div", { class: "lc-scroll", tabindex: 0, role: "group", "aria-label": caption }, table);
  };

  function row(shown, scores, label) {
    return make("tr", {},
      make("th", { scope: "row" }, landcover.parts.chip(shown), make("bdi", {}, shown.name)),
      ...COLUMNS.map(([key]) => cell(scores[key][label], key === "share" ? words.percent : words.score)));
  }

  function cell(value, said) {
    if (value === null || value === undefined) {
      return make("td", {}, words.NONE);
    }
    const bar = make("span", { class: "lc-bar", "aria-hidden": "true" });
    bar.style.setProperty("--value", value);
    return make("td", {}, said(value), bar);
  }

  /** Undefined scores are last whichever way the others stand; equals stand in the order of the classes. */
  function sorted(rows, scores, key, isDescending) {
    const sign = isDescending ? -1 : 1;
    const value = ({ label }) => scores[key][label] ?? null;
    return [...rows].sort((one, other) => {
      if (key === "name") {
        return sign * one.name.localeCompare(other.name, "en");
      }
      const [a, b] = [value(one), value(other)];
      return (a === null || b === null ? (a === null) - (b === null) : sign * (a - b)) || one.label - other.label;
    });
  }
})();
