// Places on Earth as people read them.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});

  /**
   * A place in words: "45.12° N, 12.30° E".
   * @param {number} longitude - Degrees, -180 to 180.
   * @param {number} latitude - Degrees.
   * @param {number} digits - Decimals.
   * @returns {string}
   */
  function describe(longitude, latitude, digits) {
    const format = (/** @type {number} */ value, /** @type {string} */ above, /** @type {string} */ below) => {
      const text = Math.abs(value).toFixed(digits);
      return `${text}° ${value < 0 && Number(text) > 0 ? below : above}`;
    };
    return `${format(latitude, "N", "S")}, ${format(longitude, "E", "W")}`;
  }

  /**
   * Longitude and latitude between control points.
   * @param {Landcover.ControlPoints} points
   * @param {number} across - Share of the width, 0 to 1.
   * @param {number} down - Share of the height.
   * @returns {[number, number] | null} In degrees; null where they are not known.
   */
  function degreesAt(points, across, down) {
    const { cells, lon, lat } = points;
    const cell = (/** @type {number} */ share) => Math.min(Math.max(Math.floor(share * cells), 0), cells - 1);
    const [left, top] = [cell(across), cell(down)];
    const [u, v] = [across * cells - left, down * cells - top];
    const corners = [0, 1].flatMap((i) => [0, 1].map((j) => (top + i) * (cells + 1) + left + j));
    if (corners.some((at) => lon[at] === null)) return null;
    const weights = [(1 - v) * (1 - u), (1 - v) * u, v * (1 - u), v * u];
    const first = lon[corners[0]];
    const mean = (/** @type {(at: number) => number} */ value) =>
      corners.reduce((sum, at, i) => sum + weights[i] * value(at), 0);
    const longitude = first + mean((at) => turned(lon[at] - first));
    return [turned(longitude), mean((at) => lat[at])];
  }

  /** An angle in degrees from -180 to 180. */
  function turned(/** @type {number} */ angle) {
    return ((((angle + 180) % 360) + 360) % 360) - 180;
  }

  /**
   * The place between control points, in words; null where it is not known. See `degreesAt`.
   * @param {Landcover.ControlPoints} points
   * @param {number} across
   * @param {number} down
   */
  function describeAt(points, across, down) {
    const place = degreesAt(points, across, down);
    return place && describe(...place, points.digits);
  }

  landcover.places = { degreesAt, describeAt };
})();
