// The tiles of a scene, each read once and kept while there is room, whatever is painted from them.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});

  const KEPT_PIXELS = 24e6; // of all tiles: at up to 8 bytes per pixel, 192 MB

  landcover.TileStore = class {
    #scene;
    /** @type {Map<string, {tile: Landcover.Tile | null, reading: Promise<Landcover.Tile>}>} the oldest first */
    #entries = new Map();
    #kept;
    #stop = new AbortController();

    /** @param {Landcover.Scene} scene */
    constructor(scene) {
      this.#scene = scene;
      this.#kept = Math.max(2, Math.floor(KEPT_PIXELS / (scene.tileSize[0] * scene.tileSize[1])));
    }

    /**
     * Read a tile. One that failed is read anew when it is asked for again.
     * @param {number} z - Index of the resolution.
     * @param {number} x - Column of tiles.
     * @param {number} y - Row of tiles.
     * @returns {Promise<Landcover.Tile>}
     */
    read(z, x, y) {
      const key = `${z}/${x}/${y}`;
      const found = this.#entries.get(key);
      if (found) {
        this.#entries.delete(key);
        this.#entries.set(key, found);
        return found.reading;
      }
      /** @type {{tile: Landcover.Tile | null, reading: Promise<Landcover.Tile>}} */
      const entry = { tile: null, reading: this.#scene.read(z, x, y, this.#stop.signal) };
      this.#entries.set(key, entry);
      const [oldest] = this.#entries.keys();
      if (this.#entries.size > this.#kept) this.#entries.delete(oldest);
      entry.reading.then(
        (tile) => (entry.tile = tile),
        () => this.#entries.delete(key),
      );
      return entry.reading;
    }

    /** The tile if it has been read, else null. */
    peek(/** @type {number} */ z, /** @type {number} */ x, /** @type {number} */ y) {
      return this.#entries.get(`${z}/${x}/${y}`)?.tile || null;
    }

    /** Stop what is being read. */
    dispose() {
      this.#stop.abort();
      this.#entries.clear();
    }
  };
})();
