// The line that says what is at a place: classes, truth, probability, coordinates.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const { make, swatch } = landcover.elements;
  const { colourOf } = landcover.colours;

  landcover.Hover = class {
    #labels;
    #line;

    /** @param {Landcover.Names} labels - How the two predictions are called. */
    constructor(labels) {
      this.#labels = labels;
      this.#line = make("p", { class: "lc-hover", role: "status" });
      this.element = make("div", { class: "lc-hover-place" }, this.#line);
    }

    /** Show a sentence. */
    say(/** @type {string} */ text) {
      if (this.#line.textContent !== text) this.#line.replaceChildren(text);
    }

    /**
     * Show what is at a place.
     * @param {Landcover.Tile | null} tile - In which it lies; null if it is not read yet.
     * @param {number} index - Of its pixel there.
     * @param {string} coordinates
     * @param {Landcover.Style} style
     */
    describe(tile, index, coordinates, style) {
      const entry = (/** @type {number} */ label) => style.classes[label] || style.ignore;
      const parts = [];
      const add = (/** @type {string} */ what, /** @type {Uint8Array | null | undefined} */ labels) => {
        if (labels) parts.push([what + entry(labels[index]).name, colourOf(entry(labels[index]), style.palette)]);
      };
      add("", tile?.prediction);
      add(`${this.#labels.other}: `, tile?.other);
      add("truth: ", tile?.truth);
      if (tile?.confidence?.[index]) parts.push([(tile.confidence[index] / 255).toFixed(2), null]);
      parts.push([coordinates, null]);
      const text = parts.map(([words]) => words).join(" · ");
      if (this.#line.textContent === text) return;
      this.#line.replaceChildren(
        ...parts.flatMap(([words, colour], i) => [i ? " · " : "", colour ? swatch(colour) : "", words]),
      );
    }
  };
})();
