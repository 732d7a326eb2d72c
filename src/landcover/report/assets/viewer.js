// The viewer of images and maps: two layers and a handle to swipe between them.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const { make } = landcover.elements;
  const { layers } = landcover;

  landcover.Viewer = class {
    /** @type {Landcover.Scene | null} */
    #scene = null;
    #options;
    /** @type {{left: string | null, right: string | null}} */
    #wished = { left: null, right: null };
    #opacity = 1;
    /** @type {Landcover.Style} */
    #style;
    #canvas;
    #swipe;
    #hover;
    #legend;
    #controls;
    #idle = ""; // what the hover line says while no place is looked at
    /** @type {[number, number] | null} column and row that the hover line tells of */
    #place = null;

    /**
     * @param {HTMLElement} element - That the viewer fills.
     * @param {{classes: Landcover.Entry[], ignore: Landcover.Entry,
     *          labels: Landcover.Names}} options
     */
    constructor(element, options) {
      this.element = element;
      this.#options = options;
      this.#style = { classes: options.classes, ignore: options.ignore, palette: "classes", hidden: new Set() };
      this.#hover = new landcover.Hover(options.labels);
      this.#legend = new landcover.Legend((changes) => this.#toggle(changes));
      this.#controls = new landcover.Controls({
        onLeft: (key) => this.setLayers(key, this.#wished.right),
        onRight: (key) => this.setLayers(this.#wished.left, key),
        onOpacity: (value) => this.setOpacity(value),
        onPalette: (safe) => this.setPalette(safe ? "safe" : "classes"),
      });
      const stage = make("div", { class: "lc-stage" });
      this.#canvas = new landcover.MapView(stage, {
        onPlace: (place) => this.#look(place),
        onRendered: () => this.#describe(),
        onError: (error) => this.#hover.say(`A part of the image cannot be read: ${error.message}`),
      });
      this.#swipe = new landcover.Swipe(stage, (value) => this.#canvas.setSwipe(value));
      stage.append(this.#swipe.element);
      this.#controls.pickers.lastChild.before(this.#canvas.buttons);
      element.classList.add("lc-viewer");
      element.replaceChildren(
        make(
          "div",
          { class: "lc-frame" },
          make("div", { class: "lc-main" }, this.#controls.pickers, stage, this.#hover.element),
          make("div", { class: "lc-panel" }, this.#legend.element, this.#controls.settings),
        ),
      );
      document.addEventListener("keydown", (event) => this.#followKey(event));
    }

    /**
     * Show a scene instead of the one before; the layers, the palette and the swipe stay as they are.
     * @param {Landcover.Scene} scene
     */
    show(scene) {
      this.#scene = scene;
      this.#place = null;
      this.#canvas.show(scene);
      this.#update();
      const reduced = (scene.reduction || 1) > 1 ? `, shown at 1:${scene.reduction}` : "";
      this.#idle = `${scene.name} · ${scene.width} × ${scene.height} pixels${reduced}`;
      this.#hover.say(this.#idle);
    }

    /** Choose the layers; one that the scene lacks is replaced until a scene has it. */
    setLayers(/** @type {string | null} */ left, /** @type {string | null} */ right) {
      this.#wished = { left, right };
      this.#update();
    }

    /** Move the handle: 0 shows the right layer alone, 1 the left one. */
    setSwipe(/** @type {number} */ value) {
      this.#swipe.set(value);
      this.#canvas.setSwipe(this.#swipe.value);
    }

    /** Choose the colours: those of the masks or those that every eye tells apart. */
    setPalette(/** @type {Landcover.Palette} */ palette) {
      this.#style.palette = palette;
      this.#update();
      this.element.dispatchEvent(new CustomEvent("lc-palette", { bubbles: true, detail: palette }));
    }

    /** Set how opaque all layers are over the image, 0 to 1. */
    setOpacity(/** @type {number} */ value) {
      this.#opacity = Math.min(Math.max(value, 0), 1);
      this.#controls.setOpacity(this.#opacity);
      this.#canvas.setOpacity(this.#opacity);
    }

    /** Turn off the entries of the legend that have these names, and no others. */
    setHidden(/** @type {string[]} */ names) {
      this.#style.hidden = new Set(names);
      this.#update();
    }

    /** What is chosen, as plain types. */
    state() {
      const [left, right] = this.#shown();
      const { palette, hidden } = this.#style;
      return { left, right, swipe: this.#swipe.value, palette, hidden: [...hidden], opacity: this.#opacity };
    }

    #shown() {
      const { left, right } = this.#wished;
      return this.#scene ? layers.chosen(this.#scene.has, left, right) : [left, right];
    }

    #toggle(changes) {
      for (const [name, shown] of Object.entries(changes)) {
        if (shown) this.#style.hidden.delete(name);
        else this.#style.hidden.add(name);
      }
      this.#update();
    }

    #update() {
      if (!this.#scene) return;
      const { has, name } = this.#scene;
      const { labels } = this.#options;
      const [left, right] = this.#shown();
      const [leftName, rightName] = [left, right].map((key) => layers.nameOf(key, labels));
      const difference = landcover.colours.differenceEntries(labels, has.truth);
      const choices = layers.available(has).map((key) => [key, layers.nameOf(key, labels)]);
      this.#controls.update(choices, left, right, this.#style.palette);
      this.#legend.update([left, right], this.#style, difference);
      this.#swipe.label(leftName, rightName);
      this.#canvas.describe(`${name}: ${leftName} on the left, ${rightName} on the right`);
      this.#canvas.paint(left, right, landcover.colours.inks(this.#style, difference), styleKey(this.#style));
      this.#canvas.setOpacity(this.#opacity);
      this.#canvas.setSwipe(this.#swipe.value);
      this.#describe();
    }

    #look(place) {
      this.#place = place;
      if (place) this.#describe();
      else this.#hover.say(this.#idle);
    }

    #describe() {
      if (!this.#place || !this.#scene) return;
      const [column, row] = this.#place;
      const { tile, index } = this.#canvas.pixelAt(column, row);
      const reduction = this.#scene.reduction || 1;
      this.#hover.describe(tile, index, this.#scene.coordinates(column * reduction, row * reduction), this.#style);
    }

    /** Keys that mean something wherever the focus is, except in a field outside the viewer. */
    #followKey(event) {
      const isTyping = event.target.closest?.("input, select, textarea") && !this.element.contains(event.target);
      if (!this.#scene || isTyping || event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return;
      const canvas = this.#canvas;
      const zoom = { "+": () => canvas.zoomBy(1), "-": () => canvas.zoomBy(-1), 0: () => canvas.fit() };
      const digit = /^(?:Digit|Numpad)([1-7])$/.exec(event.code);
      const key = digit && layers.available(this.#scene.has)[Number(digit[1]) - 1];
      if (key && event.shiftKey) this.setLayers(key, this.#shown()[1]);
      else if (key) this.setLayers(this.#shown()[0], key);
      else if (event.key in zoom) zoom[event.key]();
      else return;
      event.preventDefault();
    }
  };

  /** A text that two styles share if and only if they draw alike. */
  function styleKey(style) {
    return JSON.stringify([style.palette, [...style.hidden].sort()]);
  }
})();
