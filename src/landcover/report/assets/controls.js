// The fields of the viewer: pickers of the two layers, opacity, palette, and what the keys do.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const { make } = landcover.elements;

  const KEYS = [
    ["1 – 7", "layer on the right; with Shift, on the left"],
    ["← →", "on the handle: swipe; with Shift, in larger steps"],
    ["← → ↑ ↓", "on the image: move it; the line below tells what is at its centre"],
    ["+ − 0", "zoom in, zoom out, fit"],
  ];

  landcover.Controls = class {
    #left;
    #right;
    #opacity;
    #percent;
    #palette;

    /**
     * @param {{onLeft: (key: string) => void, onRight: (key: string) => void, onOpacity: (value: number) => void,
     *          onPalette: (safe: boolean) => void}} actions - Called when a person changes a field.
     */
    constructor(actions) {
      this.#left = picker("Left layer", actions.onLeft);
      this.#right = picker("Right layer", actions.onRight);
      this.pickers = make("div", { class: "lc-pickers" }, this.#left, this.#right);
      this.#opacity = make("input", { type: "range", class: "lc-range", min: 0, max: 100, step: 5, value: 100 });
      this.#percent = make("span", { class: "lc-value", "aria-hidden": "true" });
      this.#opacity.addEventListener("input", () => actions.onOpacity(this.#opacity.valueAsNumber / 100));
      this.#palette = make("input", { type: "checkbox", role: "switch", class: "lc-switch" });
      this.#palette.addEventListener("change", () => actions.onPalette(this.#palette.checked));
      this.settings = make(
        "div",
        { class: "lc-settings" },
        make("div", { class: "lc-field" }, make("label", {}, "Opacity", this.#opacity), this.#percent),
        make("label", { class: "lc-field" }, "Colour-blind-safe colours", this.#palette),
        keyHelp(),
      );
      this.setOpacity(1);
    }

    /**
     * Show what is chosen.
     * @param {[string, string][]} choices - Keys and names of the layers there are.
     * @param {string} left - Key.
     * @param {string} right - Key.
     * @param {Landcover.Palette} palette
     */
    update(choices, left, right, palette) {
      for (const [select, chosen] of [[this.#left, left], [this.#right, right]]) {
        const before = JSON.stringify([...select.options].map((option) => [option.value, option.text]));
        if (before !== JSON.stringify(choices)) {
          select.replaceChildren(...choices.map(([key, name]) => make("option", { value: key }, name)));
        }
        select.value = chosen;
      }
      this.#palette.checked = palette === "safe";
    }

    /** Show the opacity, 0 to 1. */
    setOpacity(/** @type {number} */ value) {
      const percent = `${Math.round(value * 100)} %`;
      this.#opacity.value = String(Math.round(value * 100));
      this.#opacity.style.setProperty("--filled", `${value * 100}%`);
      this.#opacity.setAttribute("aria-valuetext", percent);
      this.#percent.textContent = percent;
    }
  };

  function picker(name, onPick) {
    const select = make("select", { class: "lc-select", "aria-label": name });
    select.addEventListener("change", () => onPick(select.value));
    return select;
  }

  function keyHelp() {
    const rows = KEYS.flatMap(([keys, meaning]) => [make("dt", {}, keys), make("dd", {}, meaning)]);
    return make("details", { class: "lc-keys" }, make("summary", {}, "Keyboard"), make("dl", {}, ...rows));
  }
})();
