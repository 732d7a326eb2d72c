// One layer of the map: tiles that are painted from the arrays of a scene when they come into view.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const { make } = landcover.elements;
  const ol = window.ol;

  const CACHED_PIXELS = 16e6; // of painted tiles, per layer, at 4 bytes per pixel

  /** Coordinates of the map are pixels of the scene from its upper left corner: x to the right, y up, so negative. */
  const extentOf = (/** @type {Landcover.Scene} */ scene) => [0, -scene.height, scene.width, 0];

  landcover.TileLayer = class {
    #store;
    #scene;
    #onError;

    /**
     * @param {any} store - `TileStore` of the scene.
     * @param {Landcover.Scene} scene
     * @param {any} projection - Of OpenLayers.
     * @param {(error: any) => void} onError - Called if a tile cannot be read.
     */
    constructor(store, scene, projection, onError) {
      this.#store = store;
      this.#scene = scene;
      this.#onError = onError;
      const { resolutions, tileSize } = scene;
      const extent = extentOf(scene);
      this.source = new ol.source.ImageTile({
        loader: this.#loader("image", null),
        tileGrid: new ol.tilegrid.TileGrid({ extent, origin: [0, 0], resolutions, tileSize }),
        projection,
        wrapX: false,
        transition: 0,
        interpolate: false,
        zDirection: finer,
      });
      const cacheSize = Math.max(4, Math.floor(CACHED_PIXELS / (tileSize[0] * tileSize[1])));
      this.layer = new ol.layer.Tile({ source: this.source, extent, cacheSize });
    }

    /**
     * Paint it.
     * @param {string} key - Of what it shows, not "image".
     * @param {Landcover.Inks} inks
     * @param {string} style - Of these: what was painted in an equal one is used again.
     */
    paint(key, inks, style) {
      // Each painting has a loader of its own: a tile that is under way keeps the colours that it was asked for in.
      this.source.setLoader(this.#loader(key, inks));
      this.source.setKey(`${key} ${style}`);
    }

    /**
     * Average the pixels of the image where several share one of the screen; enlarged, they are squares. Labels are
     * never averaged: there is no class between two classes.
     */
    smooth() {
      this.layer.on("prerender", (/** @type {any} */ { context, frameState }) => {
        context.imageSmoothingEnabled = frameState.viewState.resolution / frameState.pixelRatio > 1;
        context.imageSmoothingQuality = "high";
      });
    }

    /** Show only what is between two places, 0 to 1 of the width of the map. */
    clip(/** @type {() => [number, number]} */ between) {
      this.layer.on("prerender", (/** @type {any} */ { context }) => {
        const { width, height } = context.canvas;
        const [from, to] = between().map((place) => Math.round(place * width));
        context.save();
        context.beginPath();
        context.rect(from, 0, to - from, height);
        context.clip();
      });
      this.layer.on("postrender", (/** @type {any} */ { context }) => context.restore());
    }

    /**
     * What has been read at a place: the finest tile there of those drawn at a resolution or coarser.
     * @param {number} column
     * @param {number} row
     * @param {number} resolution
     * @returns {{tile: Landcover.Tile | null, index: number}} And which of its pixels.
     */
    pixelAt(column, row, resolution) {
      const grid = this.source.getTileGrid();
      const [width, height] = this.#scene.tileSize;
      for (let z = grid.getZForResolution(resolution, finer); z >= 0; z--) {
        const [atColumn, atRow] = [column, row].map((at) => Math.floor(at / grid.getResolution(z)));
        const [x, y] = [Math.floor(atColumn / width), Math.floor(atRow / height)];
        const tile = this.#store.peek(z, x, y);
        if (!tile) continue;
        const inColumn = Math.min(atColumn - x * width, tile.width - 1);
        const inRow = Math.min(atRow - y * height, tile.height - 1);
        return { tile, index: inRow * tile.width + inColumn };
      }
      return { tile: null, index: 0 };
    }

    /** Makes what OpenLayers calls for a tile. */
    #loader(key, inks) {
      const [width, height] = this.#scene.tileSize;
      return async (/** @type {number} */ z, /** @type {number} */ x, /** @type {number} */ y) => {
        let tile;
        try {
          tile = await this.#store.read(z, x, y);
        } catch (error) {
          this.#onError(error);
          throw error;
        }
        // OpenLayers draws a tile to the full size of its place: smaller ones at the edges are made as large.
        const canvas = make("canvas", { width, height });
        const context = canvas.getContext("2d");
        if (!landcover.layers.hasLayer(tile, key)) return canvas;
        if (inks) context.putImageData(landcover.layers.paint(tile, key, inks), 0, 0);
        else context.drawImage(tile.image, 0, 0, tile.width, tile.height);
        return canvas;
      };
    }
  };

  /** For OpenLayers: whether to take the coarser (positive) or the finer of the two resolutions next to one. */
  function finer(value, coarser, fine) {
    return value / devicePixelRatio - Math.sqrt(coarser * fine);
  }

  landcover.extentOf = extentOf;
})();
