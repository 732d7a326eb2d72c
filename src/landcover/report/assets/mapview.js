// The map of the viewer: OpenLayers draws the image, and over it the layers left and right of the handle.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const { make, iconButton } = landcover.elements;
  const ol = window.ol;

  const CLOSEST = 1 / 48; // pixels of the image per pixel of the screen
  const MARGIN = 8; // around an image that fits, pixels of the screen
  const PAN = 64; // of an arrow key, pixels of the screen
  const HELD_MS = 500; // at most, until a scene is drawn
  const ZOOM_MS = matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 150;

  landcover.MapView = class {
    #map;
    #actions;
    #target;
    #swipe = 0.5;
    /** @type {any} a `Landcover.Scene`, null at first */
    #scene = null;
    /** @type {any} */
    #store = null;
    /** @type {any[]} `TileLayer`: left, right; the image is below them */
    #sides = [];
    #fitted = true;
    /** @type {HTMLElement | null} what is drawn of the scene before, until that of this one is */
    #held = null;

    /**
     * @param {HTMLElement} stage - Gets the map.
     * @param {{onPlace: (place: [number, number] | null) => void, onRendered: () => void,
     *          onError: (error: any) => void}} actions - `onPlace` gets column and row of the place looked at, or
     *   null if there is none.
     */
    constructor(stage, actions) {
      this.#actions = actions;
      this.#target = make("div", { class: "lc-map", tabindex: 0, role: "application" });
      this.buttons = make(
        "div",
        { class: "lc-zoom", role: "group", "aria-label": "Zoom" },
        iconButton("Zoom in", "M10 4v12M4 10h12", () => this.zoomBy(1)),
        iconButton("Zoom out", "M4 10h12", () => this.zoomBy(-1)),
        iconButton("Fit the image", "M4 8V4h4M12 4h4v4M16 12v4h-4M8 16H4v-4", () => this.fit()),
      );
      stage.append(this.#target);
      this.#map = new ol.Map({
        target: this.#target,
        controls: [],
        interactions: ol.interaction.defaults
          .defaults({ altShiftDragRotate: false, pinchRotate: false, keyboard: false, zoomDuration: ZOOM_MS })
          .extend([new ol.interaction.KeyboardPan({ duration: ZOOM_MS, pixelDelta: PAN })]),
        layers: [],
      });
      this.#map.on("rendercomplete", () => actions.onRendered());
      this.#map.on("change:size", () => this.#fitted && this.fit(0));
      landcover.followLook(stage, this.#target, this.#map, (/** @type {number[] | null} */ at) => this.#look(at));
      this.#followPrint(stage);
    }

    /** Show a scene, see `Viewer.show`; then `paint`. */
    show(scene) {
      this.#store?.dispose();
      this.#hold();
      const old = this.#map.getLayers().getArray().slice();
      const store = new landcover.TileStore(scene);
      const extent = landcover.extentOf(scene);
      const projection = new ol.proj.Projection({ code: "pixels", units: "pixels", extent });
      const onError = (/** @type {any} */ error) => store === this.#store && this.#actions.onError(error);
      const layer = () => new landcover.TileLayer(store, scene, projection, onError);
      [this.#scene, this.#store, this.#fitted] = [scene, store, true];
      this.#sides = [layer(), layer()];
      this.#sides[0].clip(() => [0, this.#swipe]);
      this.#sides[1].clip(() => [this.#swipe, 1]);
      const image = scene.has.image ? [layer()] : [];
      for (const below of image) below.smooth();
      this.#map.setView(
        new ol.View({
          projection,
          extent,
          constrainOnlyCenter: true,
          enableRotation: false,
          center: [scene.width / 2, -scene.height / 2],
          resolution: 1,
          minResolution: CLOSEST * Math.min(1, Math.max(scene.width, scene.height) / 24),
          maxResolution: Math.max(scene.width, scene.height) / 80,
        }),
      );
      this.#map.getView().on("change:resolution", () => (this.#fitted = false));
      this.#map.setLayers([...image, ...this.#sides].map((shown) => shown.layer));
      for (const unused of old) unused.dispose();
      this.fit(0);
    }

    /**
     * Paint the layers.
     * @param {string} left - Key.
     * @param {string} right - Key.
     * @param {Landcover.Inks} inks
     * @param {string} style - Of these: what is painted in an equal one is used again.
     */
    paint(left, right, inks, style) {
      [left, right].forEach((key, which) => {
        const side = this.#sides[which];
        side.layer.setVisible(key !== "image");
        if (key !== "image") side.paint(key, inks, style);
      });
    }

    /** Move the boundary of left and right, 0 to 1 of the width. */
    setSwipe(/** @type {number} */ value) {
      this.#swipe = value;
      this.#map.render();
    }

    /** Set how opaque the layers are over the image, 0 to 1. */
    setOpacity(/** @type {number} */ value) {
      for (const side of this.#sides) side.layer.setOpacity(value);
    }

    /** Say what is seen, for those who don't see it. */
    describe(/** @type {string} */ text) {
      this.#target.setAttribute("aria-label", text);
    }

    /** Zoom by steps of a factor of two; negative is out. */
    zoomBy(/** @type {number} */ steps) {
      const view = this.#map.getView();
      view.animate({ resolution: view.getResolution() / 2 ** steps, duration: ZOOM_MS });
    }

    /** Show the whole image. */
    fit(duration = ZOOM_MS) {
      if (!this.#scene || !this.#map.getSize()?.every((/** @type {number} */ side) => side > 2 * MARGIN)) return;
      const done = () => (this.#fitted = true);
      const padding = [MARGIN, MARGIN, MARGIN, MARGIN];
      this.#map.getView().fit(landcover.extentOf(this.#scene), { padding, duration, callback: done });
      if (!duration) done();
    }

    /**
     * What has been read at a place, see `TileLayer.pixelAt`.
     * @param {number} column
     * @param {number} row
     * @returns {{tile: Landcover.Tile | null, index: number}}
     */
    pixelAt(column, row) {
      return this.#sides[0].pixelAt(column, row, this.#map.getView().getResolution());
    }

    /** Leave what is drawn in sight until the next scene is: without, the map would blink. */
    #hold() {
      const drawn = this.#target.querySelector("canvas");
      if (!drawn?.width || this.#held) return;
      const { width, height } = drawn;
      const held = make("canvas", { class: "lc-held", "aria-hidden": "true", width, height });
      held.getContext("2d").drawImage(drawn, 0, 0);
      this.#target.append(held);
      this.#held = held;
      const done = () => {
        held.remove();
        if (this.#held === held) this.#held = null;
      };
      this.#map.once("rendercomplete", done);
      setTimeout(done, HELD_MS);
    }

    /** Tell of a place, in coordinates of the map, if it is in the image. */
    #look(at) {
      const { width, height } = this.#scene || { width: 0, height: 0 };
      const inside = at && at[0] >= 0 && at[0] < width && at[1] <= 0 && at[1] > -height;
      this.#actions.onPlace(inside ? [at[0], -at[1]] : null);
    }

    /** Draw the map anew in the size that it has on paper. */
    #followPrint(stage) {
      const resize = (/** @type {boolean} */ printing) => {
        const view = this.#map.getView();
        const width = this.#map.getSize()?.[0];
        const [fitted, resolution] = [this.#fitted, view.getResolution()];
        stage.classList.toggle("lc-printed", printing);
        this.#map.updateSize();
        if (fitted) this.fit(0);
        else if (width) view.setResolution((resolution * width) / this.#map.getSize()[0]);
        this.#map.renderSync();
      };
      window.addEventListener("beforeprint", () => resize(true));
      window.addEventListener("afterprint", () => resize(false));
    }
  };
})();
