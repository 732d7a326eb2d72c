// The colours of the viewer's layers, as the 32-bit pixels that are written into images.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});

  /** Label of the pixels of which the class is not known. */
  const UNKNOWN = 255;

  // Right is light and wrong is dark, so that they differ in a grey print and for every eye.
  const VERDICT = [
    { name: "right", colour: "#b9e0c6", safe: "#b9d7f2" },
    { name: "wrong", colour: "#c3232b", safe: "#b04a00" },
    { name: "truth unknown", colour: "#8a8a8a", safe: "#8a8a8a" },
  ];

  // Blue and orange: told apart by every eye, and by their lightness.
  const [AGREE, FIRST, SECOND, NEITHER, UNDECIDED] = ["#d8d8d8", "#2166ac", "#ef9a3d", "#4a1942", "#8a8a8a"];

  // The perceptually uniform ramp "viridis" (Smith and van der Walt, 2015) at 17 even steps.
  const RAMP = (
    "440154 48186a 472d7b 424086 3b528b 33638d 2c728e 26828e 21918c " +
    "1fa088 28ae80 3fbc73 5ec962 84d44b addc30 d8e219 fde725"
  ).split(" ");

  /**
   * Entries of the layer "difference", in the order of `layers.differenceCode`.
   * @param {Landcover.Names} labels - How the two predictions are called.
   * @param {boolean} truth - Whether the truth is known.
   * @returns {Landcover.Entry[]}
   */
  function differenceEntries(labels, truth) {
    const entry = (/** @type {string} */ name, /** @type {string} */ colour) => ({ name, colour, safe: colour });
    return [
      entry("agree", AGREE),
      entry(`${labels.prediction} right`, FIRST),
      entry(`${labels.other} right`, SECOND),
      entry("both wrong", NEITHER),
      entry(truth ? "differ, truth unknown" : "differ", truth ? UNDECIDED : NEITHER),
    ];
  }

  /**
   * One colour as a pixel of an `ImageData`, opaque. Every browser of today stores it from the lowest byte on.
   * @param {string} hex - "#rrggbb".
   * @returns {number} uint32.
   */
  function pixel(hex) {
    const value = parseInt(hex.slice(1), 16);
    return (0xff000000 | ((value & 0xff) << 16) | (value & 0xff00) | (value >> 16)) >>> 0;
  }

  /**
   * The colour of a probability.
   * @param {number} value - 0 to 1.
   * @returns {string} "#rrggbb".
   */
  function rampColour(value) {
    const place = Math.min(Math.max(value, 0), 1) * (RAMP.length - 1);
    const low = Math.min(Math.floor(place), RAMP.length - 2);
    const channels = [0, 2, 4].map((at) => {
      const [from, to] = [low, low + 1].map((step) => parseInt(RAMP[step].slice(at, at + 2), 16));
      return Math.round(from + (to - from) * (place - low)).toString(16).padStart(2, "0");
    });
    return "#" + channels.join("");
  }

  /**
   * The colour of an entry in a palette.
   * @param {Landcover.Entry} entry
   * @param {Landcover.Palette} palette
   * @returns {string} "#rrggbb".
   */
  function colourOf(entry, palette) {
    return palette === "safe" ? entry.safe : entry.colour;
  }

  /**
   * The pixels of all layers in one style.
   * @param {Landcover.Style} style
   * @param {Landcover.Entry[]} difference - See `differenceEntries`.
   * @returns {Landcover.Inks}
   */
  function inks(style, difference) {
    const { classes, ignore, palette, hidden } = style;
    const ink = (/** @type {Landcover.Entry} */ entry, /** @type {string} */ key) =>
      hidden.has(key) ? 0 : pixel(colourOf(entry, palette));
    const labels = new Uint32Array(256).fill(ink(ignore, ignore.name));
    classes.forEach((entry, label) => (labels[label] = ink(entry, entry.name)));
    const confidence = Uint32Array.from({ length: 256 }, (_, value) => (value ? pixel(rampColour(value / 255)) : 0));
    return {
      labels,
      shown: Uint8Array.from(labels, (value) => (value ? 1 : 0)),
      verdict: Uint32Array.from(VERDICT, (entry) => ink(entry, `verdict: ${entry.name}`)),
      difference: Uint32Array.from(difference, (entry) => ink(entry, `difference: ${entry.name}`)),
      confidence,
    };
  }

  landcover.colours = { UNKNOWN, VERDICT, differenceEntries, colourOf, rampColour, inks };
})();
