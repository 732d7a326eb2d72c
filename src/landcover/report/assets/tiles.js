// A scene for the viewer whose tiles come from the server of `landcover view`.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});

  const ENDED = "The server does not answer. Start landcover view again, and reload this page.";
  const DAMAGED = "A part of the files cannot be read: the terminal says which and why.";

  /**
   * Fetch what the server says of its files.
   * @returns {Promise<Landcover.Description>}
   */
  landcover.fetchDescription = async function () {
    return (await fetchFromServer("scene.json")).json();
  };

  /**
   * Make a scene of what the server shows.
   * @param {Landcover.Description} description
   * @param {(text: string) => void} tell - Is told what is wrong, "" if nothing is any more.
   * @returns {Landcover.Scene}
   */
  landcover.serverScene = function (description, tell) {
    const { name, width, height, tile, resolutions, has } = description;
    const keys = Object.keys(has).filter((key) => has[key]);

    let problem = ""; // that stays: some part of a file cannot be read

    /** One file's part of a tile; null if the server cannot read it, so that the others are shown. */
    async function part(key, place, signal) {
      const answer = await fetchFromServer(`tiles/${key}/${place}`, signal);
      if (!answer.ok) {
        problem = DAMAGED;
        return null;
      }
      if (key === "image") return createImageBitmap(await answer.blob());
      return new Uint8Array(await answer.arrayBuffer());
    }

    async function read(z, x, y, signal) {
      const level = (size) => Math.ceil(size / resolutions[z]);
      const tileSize = {
        width: Math.min(tile, level(width) - x * tile),
        height: Math.min(tile, level(height) - y * tile),
      };
      try {
        const parts = await Promise.all(keys.map((key) => part(key, `${z}/${x}/${y}`, signal)));
        tell(problem);
        const empty = { image: null, truth: null, prediction: null, other: null, confidence: null };
        return Object.assign(empty, tileSize, Object.fromEntries(keys.map((key, i) => [key, parts[i]])));
      } catch (error) {
        if (error.name !== "AbortError") tell(error.message);
        throw error;
      }
    }

    return {
      name,
      width,
      height,
      tileSize: [tile, tile],
      resolutions,
      has,
      read,
      coordinates: (column, row) => coordinates(description, column, row),
    };
  };

  /** Ask this page's server; if it does not answer, the error says so to people. */
  async function fetchFromServer(path, signal) {
    try {
      return await fetch(path, { signal });
    } catch (error) {
      throw error.name === "AbortError" ? error : new Error(ENDED);
    }
  }

  /**
   * A place in words: degrees of WGS 84, coordinates of the reference system, row and column.
   * @param {Landcover.Description} description
   * @param {number} column - Pixels from the left edge, with fraction.
   * @param {number} row - Pixels from the upper edge.
   */
  function coordinates(description, column, row) {
    const { transform, degrees, digits } = description;
    const parts = [];
    const [across, down] = [column / description.width, row / description.height];
    const place = degrees && landcover.places.describeAt(degrees, across, down);
    if (place) parts.push(place);
    if (transform) {
      const [a, b, c, d, e, f] = transform;
      const text = (value) =>
        value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
      parts.push(`x ${text(a * column + b * row + c)}, y ${text(d * column + e * row + f)}`);
    }
    parts.push(`row ${Math.floor(row)}, column ${Math.floor(column)}`);
    return parts.join(" · ");
  }
})();
