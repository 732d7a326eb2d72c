// The legend: what the colours of the shown layers mean, each with a box to turn it off.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const { make } = landcover.elements;
  const { colourOf, rampColour, VERDICT } = landcover.colours;

  const LABELS = ["truth", "prediction", "other"]; // layers in the colours of the classes

  /**
   * @typedef {{title: string, prefix: string, entries: Landcover.Entry[]}} Group
   *   Entries under a heading; the prefix keeps "right" of the verdict apart from a class of that name.
   */

  landcover.Legend = class {
    #onToggle;
    #groups = make("div", { class: "lc-groups" });
    #showAll = make("button", { type: "button", class: "lc-button lc-show-all", hidden: true }, "Show all");
    /** @type {{name: string, entry: Landcover.Entry, box: HTMLInputElement}[]} */
    #boxes = [];
    #drawn = ""; // which groups there are

    /**
     * @param {(changes: Record<string, boolean>) => void} onToggle - Called with the names of the entries that a person
     *   turned on (true) or off.
     */
    constructor(onToggle) {
      this.#onToggle = onToggle;
      this.#showAll.addEventListener("click", () => {
        this.#boxes[0].box.focus(); // the button goes
        onToggle(Object.fromEntries(this.#boxes.map(({ name }) => [name, true])));
      });
      this.element = make("div", { class: "lc-legend" }, this.#groups, this.#showAll);
    }

    /**
     * Show the entries of the layers that are seen. The classes are always listed: turning one off hides its pixels
     * in every layer. They come last if no layer has their colours.
     * @param {string[]} layers - Keys.
     * @param {Landcover.Style} style
     * @param {Landcover.Entry[]} difference - Entries of the layer "difference".
     */
    update(layers, style, difference) {
      /** @type {Group[]} */
      const groups = [];
      if (layers.includes("verdict")) groups.push({ title: "Right or wrong", prefix: "verdict: ", entries: VERDICT });
      if (layers.includes("difference")) {
        groups.push({ title: "Difference", prefix: "difference: ", entries: difference });
      }
      const classes = { title: "Classes", prefix: "", entries: [...style.classes, style.ignore] };
      if (layers.some((key) => LABELS.includes(key))) groups.unshift(classes);
      else groups.push(classes);
      this.#draw(groups, layers.includes("confidence"));
      for (const { name, entry, box } of this.#boxes) {
        box.checked = !style.hidden.has(name);
        box.style.setProperty("--swatch", colourOf(entry, style.palette));
      }
      this.#showAll.hidden = this.#boxes.every(({ box }) => box.checked);
    }

    /** Make the boxes, unless they are those that there are: a list that is scrolled stays where it is. */
    #draw(groups, confidence) {
      const drawn = JSON.stringify([confidence, groups]);
      if (drawn === this.#drawn) return;
      this.#drawn = drawn;
      this.#boxes = [];
      this.#groups.replaceChildren(...groups.map((/** @type {Group} */ group) => this.#group(group)));
      if (confidence) this.#groups.prepend(ramp());
    }

    #group({ title, prefix, entries }) {
      const list = make("ul", { class: "lc-entries" });
      for (const entry of entries) {
        const name = prefix + entry.name;
        const box = make("input", { type: "checkbox", class: "lc-swatch-box", "data-entry": name });
        box.addEventListener("change", () => this.#onToggle({ [name]: box.checked }));
        this.#boxes.push({ name, entry, box });
        list.append(make("li", {}, make("label", { class: "lc-entry" }, box, make("span", {}, entry.name))));
      }
      return make("fieldset", { class: "lc-group" }, make("legend", {}, title), list);
    }
  };

  /** The scale of the layer "confidence". */
  function ramp() {
    const colours = Array.from({ length: 17 }, (_, step) => rampColour(step / 16));
    const bar = make("div", { class: "lc-ramp", role: "img", "aria-label": "Dark is probability 0, bright is 1" });
    bar.style.background = `linear-gradient(to right, ${colours.join(", ")})`;
    const ticks = make("div", { class: "lc-ticks", "aria-hidden": "true" });
    for (const value of ["0", "0.5", "1"]) ticks.append(make("span", {}, value));
    const note = make("p", { class: "lc-note" }, "Probability of the predicted class");
    return make("fieldset", { class: "lc-group" }, make("legend", {}, "Confidence"), bar, ticks, note);
  }
})();
