// Two predictions side by side: the verdict, the difference with its interval, both tables of classes.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const { words, charts } = landcover;
  const { make } = landcover.elements;
  const { svg } = landcover.parts;
  const HEIGHT = 84; // pixels, of the drawing

  /**
   * @param {Object} report  with `comparison`, and `scores` and `other_scores` where there are tables to show
   * @returns {HTMLElement}
   */
  landcover.comparisonBlock = (report) => {
    const { comparison, labels } = report;
    const [one, other] = [words.oneLine(labels.prediction), words.oneLine(labels.other)];
    const tables = [[one, report.scores], [other, report.other_scores]].filter(([, scores]) => scores);
    return make("section", { class: "lc-block lc-wide lc-comparison", "aria-labelledby": "lc-comparison-heading" },
      make("h3", { id: "lc-comparison-heading" }, "Comparison with ", make("bdi", {}, other)),
      make("p", { class: "lc-verdict" }, comparison.verdict),
      make("p", { class: "lc-muted" },
        "A is ", make("bdi", {}, one), `, mean IoU ${words.score(comparison.mean_iou_a)}; B is `,
        make("bdi", {}, other), `, mean IoU ${words.score(comparison.mean_iou_b)}. ${inWords(comparison)}`),
      comparison.difference === null ? null : drawing(comparison),
      make("div", { class: "lc-pair" },
        ...tables.map(([name, scores]) => landcover.classTable(report.classes, scores, name))));
  };

  function inWords({ difference, low, high, images }) {
    if (difference === null) {
      return "";
    }
    const isBounded = low !== null && high !== null;
    const interval = isBounded ? `, 95 % interval ${words.difference(low)} to ${words.difference(high)}` : "";
    return `Difference A − B: ${words.difference(difference)}${interval}, over ${words.count(images, "image")}.`;
  }

  /** The difference as a dot on its interval, on an axis whose middle is 0. */
  function drawing({ difference, low, high }) {
    const reach = 1.25 * Math.max(...[difference, low, high].filter((value) => value !== null).map(Math.abs), 0.001);
    const canvas = make("div", { class: "lc-interval", "aria-hidden": "true" });
    const draw = (width) => {
      const none = { range: [0, 1], ticks: [], format: String };
      const drawn = charts.frame({
        width, height: HEIGHT, y: none, margin: { left: 16, top: 0 },
        x: { range: [-reach, reach], ticks: charts.ticks(-reach, reach, 6), format: signed, title: "" },
      });
      const { root, x, box } = drawn;
      const middle = (box.top + box.bottom) / 2 + 6;
      root.append(
        svg("line", { class: "lc-zero", x1: x(0), x2: x(0), y1: box.top + 14, y2: box.bottom }),
        svg("text", { class: "lc-axis-title", x: x(0) - 10, y: 10, "text-anchor": "end" }, "← B better"),
        svg("text", { class: "lc-axis-title", x: x(0) + 10, y: 10, "text-anchor": "start" }, "A better →"),
      );
      if (low !== null && high !== null) {
        root.append(svg("line", { class: "lc-whisker", x1: x(low), x2: x(high), y1: middle, y2: middle }));
      }
      root.append(svg("circle", { class: "lc-dot lc-dot-0 lc-marked", cx: x(difference), cy: middle, r: 6 }));
      canvas.replaceChildren(root);
    };
    draw(560);
    charts.fitted(canvas, draw);
    return canvas;
  }

  const signed = (value) => (value > 0 ? `+${value}` : value < 0 ? `−${-value}` : "0");
})();
