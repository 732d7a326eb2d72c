// How far the confidence of a network can be trusted: accuracy over confidence, and how often it is how confident.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const { words, charts } = landcover;
  const { make } = landcover.elements;
  const { svg } = landcover.parts;
  const CURVE = 250; // pixels: height of the curve with its axis
  const BARS = 46; // pixels: height of the bars above it
  const SHOWN = 0.0005; // the share of a bin that counts as some: below, a bin has no dot

  /**
   * @param {{bins: Array<Object>, expected_error: ?number}} calibration  of the report
   * @returns {HTMLElement}  a figure
   */
  landcover.calibrationFigure = ({ bins, expected_error: error }) => {
    const largest = Math.max(...bins.map((bin) => bin.share || 0)) || 1;
    const filled = bins.filter((bin) => bin.accuracy !== null && bin.confidence !== null);
    const percent = (value) => `${Math.round(100 * value)}`;
    const draw = (width) => {
      const all = { range: [0, 1], ticks: charts.ticks(0, 1, 5), format: percent };
      const drawn = charts.frame({
        width, height: CURVE + BARS, x: { ...all, title: "confidence, %" }, y: all, margin: { top: BARS + 12 },
      });
      const { root, x, y, box } = drawn;
      root.append(svg("line", { class: "lc-diagonal", x1: x(0), y1: y(0), x2: x(1), y2: y(1) }));
      for (const bin of bins) {
        const height = ((bin.share || 0) / largest) * (BARS - 8);
        const left = x(bin.low) + 1;
        root.append(svg("rect", {
          class: "lc-share", x: left, width: Math.max(x(bin.high) - left - 1, 1), y: BARS - height, height,
        }));
      }
      const points = filled.map((bin) => [bin.confidence, bin.accuracy]);
      root.append(
        svg("line", { class: "lc-axis", x1: box.left, x2: box.right, y1: BARS, y2: BARS }),
        svg("text", { class: "lc-axis-title", x: box.left, y: 12 }, "share of the pixels"),
        svg("text", { class: "lc-axis-title", x: box.left + 6, y: box.top + 14 }, "right, %"),
        svg("path", { class: "lc-line lc-line-0", d: charts.path(points, x, y) }),
        ...charts.dots(points.filter((_, i) => filled[i].share >= SHOWN), drawn, "lc-dot lc-dot-0", 3),
      );
      const mark = (index) =>
        charts.dots([[bins[index].confidence, bins[index].accuracy]], drawn, "lc-dot lc-dot-0 lc-marked", 5);
      return { ...drawn, box: { ...box, top: 0 }, positions: bins.map((bin) => x((bin.low + bin.high) / 2)), mark };
    };
    const describe = (index) => {
      const { low, high, accuracy, share } = bins[index];
      const range = `confidence ${percent(low)} to ${percent(high)} %`;
      return accuracy === null
        ? `${range}: no pixels`
        : `${range}: ${words.percent(accuracy)} right, ${words.percent(share)} of the pixels`;
    };
    return charts.readable({
      title: "Confidence",
      summary: spoken(filled, error),
      legend: make("ul", { class: "lc-legend-lines" },
        make("li", {}, make("span", { class: "lc-key lc-key-0" }), "measured"),
        make("li", {}, make("span", { class: "lc-key lc-key-diagonal" }), "as sure as right")),
      steps: "confidence", count: bins.length, draw, describe, chosen: bins.length - 1,
    });
  };

  function spoken(filled, error) {
    const share = filled.reduce((sum, bin) => sum + bin.share, 0);
    if (!share || error === null) {
      return "No pixel of known class has a confidence.";
    }
    const surplus = filled.reduce((sum, bin) => sum + bin.share * (bin.confidence - bin.accuracy), 0) / share;
    const trend = Math.abs(surplus) < 0.005 ? "on the whole neither too sure nor too doubtful"
      : surplus > 0 ? "on the whole surer than it is right" : "on the whole right more often than it is sure";
    const points = (100 * error).toFixed(1);
    return `Confidence and share of right pixels differ by ${points} percentage points on average ` +
      `(expected calibration error ${words.score(error)}); the prediction is ${trend}.`;
  }
})();
