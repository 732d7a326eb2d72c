// The layers of the viewer: which there are, and how each is painted from the arrays of a tile.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const { UNKNOWN } = landcover.colours;

  /** All layers in the order in which they are listed. */
  const KEYS = ["image", "truth", "prediction", "other", "verdict", "difference", "confidence"];

  /** The arrays of which each layer is made. */
  const NEEDS = {
    image: ["image"],
    truth: ["truth"],
    prediction: ["prediction"],
    other: ["other"],
    verdict: ["truth", "prediction"],
    difference: ["prediction", "other"],
    confidence: ["confidence"],
  };

  /**
   * The layers that can be drawn of the data at hand.
   * @param {Landcover.Has} has
   * @returns {string[]} Keys.
   */
  function available(has) {
    return KEYS.filter((key) => NEEDS[key].every((/** @type {string} */ need) => has[need]));
  }

  /**
   * The layers shown left and right: those wished for if there are such, else the most telling of the others.
   * @param {Landcover.Has} has
   * @param {string | null} left - Wished for.
   * @param {string | null} right - Likewise.
   * @returns {[string, string]}
   */
  function chosen(has, left, right) {
    const keys = available(has);
    const first = (/** @type {(string | null)[]} */ ...wishes) => wishes.find((key) => key && keys.includes(key));
    const shownRight = first(right, "prediction", "truth", "image") || keys[0];
    const others = ["image", "truth", "other", "confidence"].filter((key) => key !== shownRight);
    return [first(left, ...others) || shownRight, shownRight];
  }

  /**
   * What a layer is called on the page.
   * @param {string} key
   * @param {Landcover.Names} labels - How the two predictions are called.
   * @returns {string}
   */
  function nameOf(key, labels) {
    const names = {
      image: "Image",
      truth: "Truth",
      prediction: labels.prediction === "prediction" ? "Prediction" : labels.prediction,
      other: labels.other,
      verdict: "Right or wrong",
      difference: "Difference",
      confidence: "Confidence",
    };
    return names[key];
  }

  /**
   * Whether a prediction is right, as an index of `colours.VERDICT`. One of no class is wrong, as in the scores.
   * @param {number} truth - Label.
   * @param {number} prediction - Label.
   */
  function verdictCode(truth, prediction) {
    if (truth === UNKNOWN) return 2;
    return truth === prediction ? 0 : 1;
  }

  /**
   * How two predictions differ, as an index of `colours.differenceEntries`.
   * @param {number} truth - Label; `UNKNOWN` also if there is no truth.
   * @param {number} prediction - Label.
   * @param {number} other - Label.
   */
  function differenceCode(truth, prediction, other) {
    if (prediction === other) return 0;
    if (truth === UNKNOWN) return 4;
    if (prediction === truth) return 1;
    return other === truth ? 2 : 3;
  }

  /** By layer: what writes the pixels of a tile. A class that is not shown is transparent in every layer. */
  const PAINTERS = {
    truth: (pixels, tile, inks) => paintLabels(pixels, tile.truth, inks),
    prediction: (pixels, tile, inks) => paintLabels(pixels, tile.prediction, inks),
    other: (pixels, tile, inks) => paintLabels(pixels, tile.other, inks),
    verdict(pixels, { truth, prediction }, { shown, verdict }) {
      for (let i = 0; i < pixels.length; i++) {
        if (shown[truth[i]]) pixels[i] = verdict[verdictCode(truth[i], prediction[i])];
      }
    },
    difference(pixels, { truth, prediction, other }, { shown, difference }) {
      for (let i = 0; i < pixels.length; i++) {
        const known = truth ? truth[i] : UNKNOWN;
        const nothing = prediction[i] === UNKNOWN && other[i] === UNKNOWN;
        if (nothing || !shown[known === UNKNOWN ? prediction[i] : known]) continue;
        pixels[i] = difference[differenceCode(known, prediction[i], other[i])];
      }
    },
    confidence(pixels, tile, { shown, confidence }) {
      for (let i = 0; i < pixels.length; i++) {
        if (!tile.prediction || shown[tile.prediction[i]]) pixels[i] = confidence[tile.confidence[i]];
      }
    },
  };

  function paintLabels(pixels, labels, inks) {
    for (let i = 0; i < pixels.length; i++) pixels[i] = inks.labels[labels[i]];
  }

  /**
   * Paint a layer, but "image", of a tile.
   * @param {Landcover.Tile} tile
   * @param {string} key - Of the layer; the tile has what it needs.
   * @param {Landcover.Inks} inks
   * @returns {ImageData} Of the tile's size.
   */
  function paint(tile, key, inks) {
    const image = new ImageData(tile.width, tile.height);
    PAINTERS[key](new Uint32Array(image.data.buffer), tile, inks);
    return image;
  }

  /**
   * Whether a tile has what a layer needs.
   * @param {Landcover.Tile} tile
   * @param {string} key
   */
  function hasLayer(tile, key) {
    return NEEDS[key].every((/** @type {string} */ need) => tile[need]);
  }

  landcover.layers = { KEYS, available, chosen, nameOf, verdictCode, differenceCode, paint, hasLayer };
})();
