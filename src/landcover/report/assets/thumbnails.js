// Thumbnails that are decoded only when they come into view.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const { make } = landcover.elements;
  const AHEAD = "300px"; // decoded before they are seen
  const SIDE = 128; // of one painted from labels, pixels

  landcover.Thumbnails = class {
    /**
     * @param {{colour: string, safe: string}[]} classes - Those of the labels.
     * @param {{colour: string, safe: string}} ignore - That of any other label.
     */
    constructor(classes, ignore) {
      this.classes = classes;
      this.ignore = ignore;
      this.palette = "classes";
      this.waiting = new Map();
      this.painted = []; // functions that paint again
      this.observer = new IntersectionObserver((entries) => this.decode(entries), { rootMargin: AHEAD });
    }

    /** Paint those without an image in other colours. @param {"classes" | "safe"} palette */
    setPalette(palette) {
      this.palette = palette;
      this.painted.forEach((paint) => paint());
    }

    /**
     * The frame of a thumbnail: empty until it comes near the part of the page in view.
     * @param {Object} item  one of `report.items`
     * @returns {HTMLElement}
     */
    frame(item) {
      const frame = make("span", { class: "lc-thumbnail" });
      this.waiting.set(frame, item);
      this.observer.observe(frame);
      return frame;
    }

    decode(entries) {
      for (const { target, isIntersecting } of entries) {
        const item = this.waiting.get(target);
        if (isIntersecting && item) {
          this.waiting.delete(target);
          this.observer.unobserve(target);
          target.append(item.has.image ? image(item) : this.paint(item));
        }
      }
    }

    /** The prediction, painted small; for items without an image. */
    paint(item) {
      const scale = Math.min(1, SIDE / Math.max(item.width, item.height));
      const [width, height] = [item.width, item.height].map((side) => Math.max(1, Math.round(side * scale)));
      const label = `prediction ${landcover.words.oneLine(item.name)}`;
      const canvas = make("canvas", { width, height, role: "img", "aria-label": label });
      landcover.itemPixels(item).then((tile) => {
        const labels = reduced(tile.prediction, tile.width, tile.height, width, height);
        const paint = () => canvas.getContext("2d").putImageData(this.coloured(labels, width, height), 0, 0);
        this.painted.push(paint);
        paint();
      }).catch(() => canvas.remove()); // the viewer says why, when the image is opened
      return canvas;
    }

    coloured(labels, width, height) {
      const [unknown, ...colours] = [this.ignore, ...this.classes].map((entry) => {
        const hex = landcover.colours.colourOf(entry, this.palette);
        return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
      });
      const pixels = new ImageData(width, height);
      labels.forEach((label, at) => pixels.data.set([...(colours[label] || unknown), 255], 4 * at));
      return pixels;
    }
  };

  /** Labels by nearest neighbour, uint8 by row. */
  function reduced(labels, fromWidth, fromHeight, width, height) {
    const result = new Uint8Array(width * height);
    for (let row = 0; row < height; row++) {
      const from = Math.floor(((row + 0.5) / height) * fromHeight) * fromWidth;
      for (let column = 0; column < width; column++) {
        result[row * width + column] = labels[from + Math.floor(((column + 0.5) / width) * fromWidth)];
      }
    }
    return result;
  }

  function image(item) {
    const alt = `image ${landcover.words.oneLine(item.name)}`;
    const image = make("img", { alt, loading: "lazy", decoding: "async", draggable: "false" });
    image.src = JSON.parse(document.getElementById(`pixels-${item.id}`).textContent).image;
    return image;
  }
})();
