// Where a person looks: under the mouse, at the last tap, or in the centre when the keyboard moves the map.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const { make } = landcover.elements;

  /**
   * Follow what a person looks at; a cross marks it unless the mouse does.
   * @param {HTMLElement} stage - Around the map; gets the cross.
   * @param {HTMLElement} target - Of the map; takes the keyboard.
   * @param {any} map - Of OpenLayers.
   * @param {(at: number[] | null) => void} onLook - Called with coordinates of the map, or null.
   */
  landcover.followLook = function (stage, target, map, onLook) {
    const cross = make("div", { class: "lc-cross", "aria-hidden": "true", hidden: true });
    stage.append(cross);

    function mark(/** @type {number[] | null} */ pixel) {
      cross.hidden = !pixel;
      if (pixel) [cross.style.left, cross.style.top] = [`${pixel[0]}px`, `${pixel[1]}px`];
    }

    function look(/** @type {number[] | null} */ pixel) {
      onLook(pixel && map.getCoordinateFromPixel(pixel));
    }

    function lookAtCentre() {
      const size = map.getSize();
      if (!size || !target.matches(":focus-visible")) return;
      const centre = [size[0] / 2, size[1] / 2];
      mark(centre);
      look(centre);
    }

    stage.addEventListener("pointermove", (event) => {
      if (event.pointerType === "touch") return;
      mark(null);
      look(map.getEventPixel(event));
    });
    stage.addEventListener("pointerleave", (event) => {
      if (event.pointerType !== "touch") look(null);
    });
    map.on("click", (/** @type {any} */ { originalEvent, pixel }) => {
      if (originalEvent.pointerType !== "touch") return;
      mark(pixel);
      look(pixel);
    });
    map.on("movestart", () => mark(null)); // what was marked moves away
    map.on("moveend", lookAtCentre);
    target.addEventListener("focus", lookAtCentre);
    target.addEventListener("blur", () => mark(null));
  };
})();
