// Charts as SVG: a frame with axes, lines over steps, and reading off values by mouse, touch and keyboard.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const { make } = landcover.elements;
  const { svg } = landcover.parts;
  const MARGIN = { top: 12, right: 16, bottom: 40, left: 52 }; // pixels
  const MOST_DOTS = 40; // more points are drawn as a line only

  /**
   * Round numbers within a range, about as many as asked for.
   * @param {number} low
   * @param {number} high  above low
   * @param {number} count
   */
  function ticks(low, high, count) {
    const rough = (high - low) / count;
    const power = 10 ** Math.floor(Math.log10(rough));
    const step = power * [1, 2, 5, 10].find((factor) => factor * power >= rough * 0.999);
    const first = Math.ceil(low / step - 1e-9);
    const last = Math.floor(high / step + 1e-9);
    return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
  }

  /** A range with some space around values, so that ticks enclose them. */
  function padded(values) {
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const space = (high - low || Math.abs(high) || 1) * 0.08;
    return [low - space, high + space];
  }

  /**
   * A frame with grid and axes.
   * @param {Object} options  width, height: pixels; x, y: {range: [low, high], ticks: [...], format, title};
   *   margin: other than usual
   * @returns {{root: SVGElement, x: function(number): number, y: function(number): number, box: Object}}  x and y tell
   *   where values lie
   */
  function frame({ width, height, x, y, margin = {} }) {
    const { top, right, bottom, left } = { ...MARGIN, ...margin };
    const box = { left, top, right: width - right, bottom: height - bottom };
    const placeX = (value) => left + ((value - x.range[0]) / (x.range[1] - x.range[0])) * (box.right - left);
    const placeY = (value) => box.bottom - ((value - y.range[0]) / (y.range[1] - y.range[0])) * (box.bottom - top);
    const root = svg("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true", class: "lc-chart-drawing" });
    for (const value of y.ticks) {
      const at = placeY(value);
      root.append(
        svg("line", { class: "lc-grid", x1: left, x2: box.right, y1: at, y2: at }),
        svg("text", { class: "lc-tick", x: left - 8, y: at, dy: "0.32em", "text-anchor": "end" }, y.format(value)),
      );
    }
    for (const value of x.ticks) {
      const at = placeX(value);
      root.append(
        svg("line", { class: "lc-axis", x1: at, x2: at, y1: box.bottom, y2: box.bottom + 4 }),
        svg("text", { class: "lc-tick", x: at, y: box.bottom + 17, "text-anchor": "middle" }, x.format(value)),
      );
    }
    const middle = (left + box.right) / 2;
    root.append(
      svg("line", { class: "lc-axis", x1: left, x2: box.right, y1: box.bottom, y2: box.bottom }),
      svg("text", { class: "lc-axis-title", x: middle, y: height - 4, "text-anchor": "middle" }, x.title),
    );
    return { root, x: placeX, y: placeY, box };
  }

  /** A path through points, interrupted where a value is missing. @param {Array<[number, ?number]>} points */
  function path(points, x, y) {
    let pen = "M";
    const parts = [];
    for (const [at, value] of points) {
      if (value === null) {
        pen = "M";
      } else {
        parts.push(`${pen}${x(at).toFixed(1)},${y(value).toFixed(1)}`);
        pen = "L";
      }
    }
    return parts.join("");
  }

  /**
   * A figure whose drawing fits its width and in which one reads off values, place by place.
   * @param {Object} options
   *   title: a heading;  summary: what one sees, in words;  legend: element or null;
   *   steps: what one walks along, such as "epoch";  count: how many places there are;
   *   draw(width) -> {root, box, positions: places in pixels, mark(index) -> SVG elements};
   *   describe(index): text of a place;  chosen: the place that is read at first
   * @returns {HTMLElement}
   */
  function readable({ title, summary, legend, steps, count, draw, describe, chosen }) {
    const readout = make("p", { class: "lc-readout" });
    const canvas = make("div", {
      class: "lc-chart", role: "slider", tabindex: 0, "aria-label": `${title}: ${steps}`,
      "aria-valuemin": 1, "aria-valuemax": count,
    });
    let drawing = null;
    let current = chosen;
    const read = (index) => {
      current = Math.min(Math.max(index, 0), count - 1);
      readout.textContent = describe(current);
      canvas.setAttribute("aria-valuenow", current + 1);
      canvas.setAttribute("aria-valuetext", describe(current));
      if (drawing) {
        const { box, positions } = drawing;
        const at = positions[current];
        drawing.cursor.replaceChildren(
          svg("line", { class: "lc-cursor", x1: at, x2: at, y1: box.top, y2: box.bottom }), ...drawing.mark(current),
        );
      }
    };
    const redraw = (width) => {
      drawing = draw(width);
      drawing.cursor = svg("g", { class: "lc-reading" });
      drawing.root.append(drawing.cursor);
      canvas.replaceChildren(drawing.root);
      read(current);
    };
    const point = (event) => {
      const { left, width } = drawing.root.getBoundingClientRect();
      const at = ((event.clientX - left) / width) * drawing.root.viewBox.baseVal.width;
      const distances = drawing.positions.map((position) => Math.abs(position - at));
      read(distances.indexOf(Math.min(...distances)));
    };
    canvas.addEventListener("pointermove", point);
    canvas.addEventListener("pointerdown", point);
    canvas.addEventListener("pointerleave", () => read(chosen));
    canvas.addEventListener("keydown", (event) => {
      const [before, after] = [current - 1, current + 1];
      const to = { ArrowLeft: before, ArrowDown: before, ArrowRight: after, ArrowUp: after, Home: 0, End: count - 1 };
      if (event.key in to) {
        event.preventDefault();
        read(to[event.key]);
      }
    });
    redraw(560);
    fitted(canvas, redraw);
    return make("figure", { class: "lc-figure" },
      make("figcaption", {}, make("h3", {}, title), make("p", { class: "lc-muted" }, summary)),
      legend, canvas, readout);
  }

  /** Call `redraw` with the width of an element, in pixels, whenever that changes. */
  function fitted(canvas, redraw) {
    let drawn = 0;
    new ResizeObserver(([entry]) => {
      const width = Math.round(entry.contentRect.width);
      if (width > 0 && width !== drawn) {
        drawn = width;
        redraw(width);
      }
    }).observe(canvas);
  }

  /**
   * Lines over steps of a training.
   * @param {Object} options  title; steps: numbers;  stepName: such as "epoch";
   *   series: up to two of {name, values: numbers or null};  format: of values
   */
  function lines({ title, steps, stepName, series, format }) {
    const values = series.flatMap((line) => line.values.filter((value) => value !== null));
    const range = padded(values);
    const isStep = steps.length > 1 ? Number.isInteger : (step) => step === steps[0];
    const stepRange = steps.length > 1 ? [Math.min(...steps), Math.max(...steps)] : [steps[0] - 1, steps[0] + 1];
    const describe = (index) =>
      `${stepName} ${steps[index]}: ` + series.map((line) => `${line.name} ${format(line.values[index])}`).join(", ");
    const draw = (width) => {
      const y = { range, ticks: ticks(...range, 5), format: tickFormat(range) };
      const x = { range: stepRange, ticks: ticks(...stepRange, 8).filter(isStep), format: String, title: stepName };
      const drawn = frame({ width, height: 240, x, y });
      series.forEach((line, i) => {
        const points = steps.map((step, at) => [step, line.values[at]]);
        drawn.root.append(svg("path", { class: `lc-line lc-line-${i}`, d: path(points, drawn.x, drawn.y) }));
        if (steps.length <= MOST_DOTS) {
          drawn.root.append(...dots(points, drawn, `lc-dot lc-dot-${i}`, 2.5));
        }
      });
      const mark = (index) => series.flatMap((line, i) =>
        dots([[steps[index], line.values[index]]], drawn, `lc-dot lc-dot-${i} lc-marked`, 5));
      return { ...drawn, positions: steps.map(drawn.x), mark };
    };
    const last = steps.length - 1;
    return readable({
      title, summary: spokenCourse(series, steps, stepName, format), legend: legend(series), steps: stepName,
      count: steps.length, draw, describe, chosen: last,
    });
  }

  const dots = (points, { x, y }, style, r) =>
    points.filter(([, value]) => value !== null)
      .map(([at, value]) => svg("circle", { class: style, cx: x(at).toFixed(1), cy: y(value).toFixed(1), r }));

  /** As many decimals as tell the ticks of a range apart. */
  function tickFormat([low, high]) {
    const decimals = Math.min(6, Math.max(0, Math.ceil(-Math.log10((high - low) / 5))));
    return (value) => value.toFixed(decimals);
  }

  function spokenCourse(series, steps, stepName, format) {
    const courses = series.map(({ name, values }) => {
      const known = values.filter((value) => value !== null);
      return known.length > 1 ? `${name} from ${format(known[0])} to ${format(known[known.length - 1])}`
        : `${name} ${format(known[0])}`;
    });
    return `Over ${landcover.words.count(steps.length, stepName)}: ${courses.join(", ")}.`;
  }

  /** What the lines are. */
  const legend = (series) =>
    make("ul", { class: "lc-legend-lines" },
      ...series.map((line, i) => make("li", {}, make("span", { class: `lc-key lc-key-${i}` }), line.name)));

  landcover.charts = { ticks, frame, path, dots, readable, fitted, lines, legend };
})();
