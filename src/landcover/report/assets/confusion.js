// The confusion matrix as a table of shades: rows are the truth, columns the prediction.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const { words } = landcover;
  const { make } = landcover.elements;
  const MANY = 10; // so many classes are named upright, and their shares have no decimals
  const WIDE = 14; // more classes need the whole width of the page
  const LONG = 12; // letters of a name that is written upright
  const MODES = [["share", "share of the truth"], ["pixels", "pixels"]];

  /**
   * @param {Object} report  its classes count
   * @param {Array<Array<number>>} confusion  pixels by truth and prediction, the last are unknown
   * @param {string} title  a heading
   * @param {string} key  part of ids: no two matrices have the same
   * @returns {HTMLElement}
   */
  landcover.confusionBlock = ({ classes, ignore }, confusion, title, key) => {
    const matrix = known(classes, ignore, confusion);
    const heading = `lc-confusion-${key}`;
    const readout = make("p", { class: "lc-readout", role: "status" });
    const table = make("table", { class: "lc-confusion", role: "grid", "aria-labelledby": heading });
    const isUpright = matrix.columns.length > MANY || matrix.columns.some(({ name }) => name.length > LONG);
    table.classList.toggle("lc-upright", isUpright);
    table.style.setProperty("--columns", matrix.columns.length);
    table.classList.toggle("lc-dense", matrix.columns.length > MANY);
    const cells = matrix.rows.map((truth, i) => matrix.columns.map((predicted, j) => {
      const cell = make("td", { tabindex: i + j === 0 ? 0 : -1, "aria-label": matrix.described(i, j) });
      cell.classList.toggle("lc-correct", truth === predicted);
      return cell;
    }));
    const show = (mode) => cells.forEach((row, i) => row.forEach((cell, j) => {
      cell.textContent = matrix.text(mode, i, j);
      cell.style.setProperty("--shade", matrix.shade(mode, i, j).toFixed(4));
    }));
    const read = (i, j) => (readout.textContent = matrix.described(i, j));
    table.append(
      make("thead", {},
        make("tr", {}, make("td", { class: "lc-corner" }),
          make("th", { class: "lc-axis-name", colspan: matrix.columns.length }, "prediction")),
        make("tr", {}, make("th", { class: "lc-axis-name" }, "truth"),
          ...matrix.columns.map((shown) => make("th", { scope: "col" },
            landcover.parts.chip(shown), make("bdi", {}, shown.name))))),
      make("tbody", {}, ...matrix.rows.map((shown, i) => make("tr", {},
        make("th", { scope: "row" }, landcover.parts.chip(shown), make("bdi", {}, shown.name)), ...cells[i]))),
    );
    listen(table, cells, read);
    show("share");
    const choice = make("fieldset", {}, make("legend", {}, "Cells show"));
    landcover.parts.fillChoice(choice, heading, MODES, "share", show);
    readout.textContent = "Point at a cell, or walk with the arrow keys, to read it.";
    const width = matrix.columns.length > WIDE ? "lc-block lc-wide" : "lc-block";
    return make("section", { class: width, "aria-labelledby": heading },
      make("h3", { id: heading }, title),
      make("p", { class: "lc-muted" }, "What each class of the truth (rows) is predicted as (columns)."),
      choice, make("div", { class: "lc-scroll" }, table), readout);
  };

  /** The matrix with what one says of its cells. The unknown row and column are there only if any pixel is. */
  function known(classes, ignore, confusion) {
    const unknown = { ...ignore, name: "unknown" };
    const last = classes.length;
    const sums = confusion.map((row) => row.reduce((sum, pixels) => sum + pixels, 0));
    const isPredicted = confusion.some((row) => row[last] > 0);
    const rows = sums[last] > 0 ? [...classes, unknown] : classes;
    const columns = isPredicted ? [...classes, unknown] : classes;
    const most = Math.max(1, ...rows.flatMap((_, i) => columns.map((__, j) => confusion[i][j])));
    const share = (i, j) => (sums[i] > 0 ? confusion[i][j] / sums[i] : null);
    const compact = (pixels) => (pixels === 0 ? "" : words.compact(pixels));
    const isDense = columns.length > MANY;
    const percent = (value) => {
      if (!value || (isDense && value < 0.005)) {
        return ""; // the eye finds the large ones
      }
      return (100 * value).toFixed(isDense ? 0 : 1);
    };
    return {
      rows,
      columns,
      // Pixels are shaded by their square root: else one large class would hide all errors.
      shade: (mode, i, j) => (mode === "share" ? share(i, j) || 0 : Math.sqrt(confusion[i][j] / most)),
      text: (mode, i, j) => (mode === "share" ? percent(share(i, j)) : compact(confusion[i][j])),
      described(i, j) {
        const pixels = words.count(confusion[i][j], "pixel");
        const part = share(i, j) === null ? "" : `, ${words.percent(share(i, j))} of ${rows[i].name}`;
        return `${rows[i].name} predicted as ${columns[j].name}: ${pixels}${part}`;
      },
    };
  }

  /** Cells are read by pointing at them, and by keyboard: one is reached with Tab, the others with the arrows. */
  function listen(table, cells, read) {
    const place = (target) => {
      const cell = target.closest("td[tabindex]");
      const i = cells.findIndex((row) => row.includes(cell));
      return i < 0 ? null : [i, cells[i].indexOf(cell)];
    };
    const onCell = (event) => {
      const at = place(event.target);
      if (at) {
        read(...at);
      }
    };
    table.addEventListener("pointerover", onCell);
    table.addEventListener("focusin", onCell);
    table.addEventListener("keydown", (event) => {
      const at = place(event.target);
      const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      const next = at && step && cells[at[0] + step[0]]?.[at[1] + step[1]];
      if (next) {
        event.preventDefault();
        event.target.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
      }
    });
  }
})();
