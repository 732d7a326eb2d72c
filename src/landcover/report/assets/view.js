// The page of `landcover view`: a small header, and the viewer in the rest of the window.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const { make } = landcover.elements;

  /**
   * What the header says of the files: a list of texts.
   * @param {Landcover.Description} description
   * @returns {string[]}
   */
  function facts(description) {
    const { files, width, height, crs, resolution, bands } = description;
    const size = `${width.toLocaleString("en")} × ${height.toLocaleString("en")} pixels`;
    const image = files.image && (bands ? `image: ${files.image} (${bands})` : `image: ${files.image}`);
    const other = files.other && `against: ${description.labels.other}`;
    return [image, other, size, resolution && `${resolution} per pixel`, crs || "no reference system"].filter(Boolean);
  }

  /**
   * Fill the header.
   * @param {Landcover.Description} description
   */
  function fillHeader(description) {
    const header = document.getElementById("header");
    const title = description.files.other ? description.labels.prediction : description.name;
    const items = facts(description).map((text) => make("li", {}, text));
    header.append(make("h1", {}, title), make("ul", { "aria-label": "About the files" }, ...items));
  }

  /**
   * Say what went wrong; "" when all is well again.
   * @param {string} text
   */
  function showProblem(text) {
    const place = document.getElementById("problem");
    if (place.textContent !== text) place.textContent = text;
  }

  async function start() {
    let description;
    try {
      description = await landcover.fetchDescription();
    } catch (error) {
      showProblem(error.message);
      return;
    }
    fillHeader(description);
    const { classes, ignore, labels } = description;
    const viewer = new landcover.Viewer(document.getElementById("viewer"), { classes, ignore, labels });
    viewer.show(landcover.serverScene(description, showProblem));
    const alone = Object.values(description.has).filter(Boolean).length === 1;
    if (alone) viewer.setSwipe(0); // there is nothing to swipe to
  }

  start();
})();
