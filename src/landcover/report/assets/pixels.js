// The pixels of the images in this page, unpacked when they are first shown.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});

  const KEPT = 4; // images whose pixels stay unpacked

  /** @type {Map<string, Promise<Landcover.Tile>>} by id, the least recently shown first */
  const unpacked = new Map();

  /**
   * Unpack deflated bytes.
   * @param {string} text - Base 64 of a zlib stream.
   * @param {number} count - How many bytes there should be.
   * @returns {Promise<Uint8Array>}
   */
  async function inflate(text, count) {
    const packed = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
    const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
    const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
    if (bytes.length !== count) throw new Error(`${bytes.length} bytes of labels, not ${count}`);
    return bytes;
  }

  /**
   * Enlarge an array by nearest neighbour.
   * @param {Uint8Array} values - By row.
   * @param {{width: number, height: number, reduction: number}} size - Of these; `reduction` is how much to enlarge.
   * @param {number} width - Of the result.
   * @param {number} height - Likewise.
   * @returns {Uint8Array}
   */
  function enlarge(values, size, width, height) {
    if (size.width === width && size.height === height) return values;
    const enlarged = new Uint8Array(width * height);
    for (let row = 0; row < height; row++) {
      const from = Math.min(Math.floor(row / size.reduction), size.height - 1) * size.width;
      for (let column = 0; column < width; column++) {
        const at = Math.min(Math.floor(column / size.reduction), size.width - 1);
        enlarged[row * width + column] = values[from + at];
      }
    }
    return enlarged;
  }

  /**
   * Load an image from a data URI.
   * @param {string} source
   * @returns {Promise<HTMLImageElement>}
   */
  async function loadImage(source) {
    const image = new Image();
    image.src = source;
    await image.decode();
    return image;
  }

  async function unpack(item) {
    const { width, height } = item;
    const block = document.getElementById(`pixels-${item.id}`);
    if (!block?.textContent) throw new Error("this page lacks its pixels");
    const pixels = JSON.parse(block.textContent);
    const labels = (/** @type {string | null} */ text) => (text ? inflate(text, width * height) : null);
    const certain = pixels.confidence;
    const [image, truth, prediction, other, confidence] = await Promise.all([
      pixels.image && loadImage(pixels.image),
      labels(pixels.truth),
      labels(pixels.prediction),
      labels(pixels.other),
      certain &&
        inflate(certain.data, certain.width * certain.height).then((values) => enlarge(values, certain, width, height)),
    ]);
    return { width, height, image, truth, prediction, other, confidence };
  }

  /**
   * The pixels of an item of the report. The last few stay unpacked.
   * @param {Landcover.Item} item
   * @returns {Promise<Landcover.Tile>}
   */
  function itemPixels(item) {
    const found = unpacked.get(item.id) || unpack(item);
    unpacked.delete(item.id);
    unpacked.set(item.id, found);
    const [oldest] = unpacked.keys();
    if (unpacked.size > KEPT) unpacked.delete(oldest);
    return found;
  }

  /**
   * An item of the report as the viewer shows it: one tile.
   * @param {Landcover.Item} item
   * @returns {Landcover.Scene}
   */
  function itemScene(item) {
    const { degrees, source_width: width, source_height: height } = item;
    return {
      name: item.name,
      width: item.width,
      height: item.height,
      tileSize: [item.width, item.height],
      resolutions: [1],
      reduction: item.reduction,
      has: item.has,
      read: () => itemPixels(item),
      coordinates(/** @type {number} */ column, /** @type {number} */ row) {
        const pixel = `row ${Math.min(Math.floor(row), height - 1)}, column ${Math.min(Math.floor(column), width - 1)}`;
        const place = degrees && landcover.places.describeAt(degrees, column / width, row / height);
        return place ? `${place} · ${pixel}` : pixel;
      },
    };
  }

  landcover.itemPixels = itemPixels;
  landcover.itemScene = itemScene;
})();
