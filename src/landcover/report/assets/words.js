// Numbers and names as the page says them.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const NONE = "–";
  const TURNING = /[\u202a-\u202e\u2066-\u2069]/g; // marks that begin or end another direction of writing
  const BROKEN = "\ufffd"; // the replacement character
  const integer = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
  const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

  const words = (landcover.words = {
    /** What stands for a number that is undefined. */
    NONE,

    /** A score of 0..1 with three decimals. @param {?number} value */
    score: (value) => (value === null || value === undefined ? NONE : value.toFixed(3)),

    /** A difference of scores with its sign. @param {?number} value */
    difference: (value) =>
      value === null || value === undefined ? NONE : (value < 0 ? "−" : "+") + Math.abs(value).toFixed(3),

    /** A share of 0..1: "4.2 %"; never 0 or 100 where it is not quite so. @param {?number} share */
    percent(share) {
      if (share === null || share === undefined) {
        return NONE;
      }
      if (share > 0 && share < 0.0005) {
        return "under 0.1 %";
      }
      return share < 1 && share >= 0.9995 ? "over 99.9 %" : `${(100 * share).toFixed(1)} %`;
    },

    /** "12,345" @param {number} value */
    integer: (value) => integer.format(value),

    /** "12.3K" @param {number} value */
    compact: (value) => compact.format(value),

    /** "1 image", "31 images" @param {number} count  @param {string} noun  in the singular */
    count: (count, noun) => `${integer.format(count)} ${noun}${count === 1 ? "" : "s"}`,

    /**
     * A name as one line, as it is spelt: a file's name may hold line breaks, and marks that turn the order of letters.
     * @param {string} name
     */
    oneLine: (name) => wellFormed(name).replace(/[\p{Cc}\u2028\u2029]+/gu, " ").replace(TURNING, BROKEN),

    /** The part after the # in the address of an image. @param {string} name */
    fragment: (name) => encodeURIComponent(wellFormed(name)),

    /** The name that an address asks for: "" for none. @param {string} hash  with or without # */
    named(hash) {
      const encoded = hash.replace(/^#/, "");
      try {
        return decodeURIComponent(encoded);
      } catch {
        return encoded; // typed by hand: no image is called so
      }
    },

    /** How the page finds again a name that an address holds. @param {string} name */
    key: (name) => words.named(words.fragment(name)),
  });

  /** Names that are not Unicode have half characters, which no address can hold. */
  const wellFormed = (name) => name.replace(/\p{Cs}/gu, BROKEN);
})();
