// The page of the report: puts its parts together and shows the image that its address asks for.
//
// Tests and assistive technology find what is on it by these roles and names:
//   heading 1: the title;  navigation "On this page": links "Scores", "Training", "About"
//   radios "Auto", "Light", "Dark" in group "Theme"
//   region "Viewer": heading 2 with the name of the image, buttons "Previous image" and "Next image", status (a
//     notice); in it the viewer itself (viewer.js)
//   navigation "Images": combobox "Sort by" (values mean_iou, class, wrong, confidence, name, difference), combobox
//     "Class to sort by" (if it is "class"), button "Reverse order" (pressed or not), searchbox "Filter by name" (of
//     more than 8 images); links "NAME, mean IoU 0.431" to #NAME, the shown one with aria-current; images with the alt
//     text "image NAME", or "prediction NAME"
//   regions "Scores", "Training", "What it was trained on": absent parts are not there
//     table "Scores of each class; share of the truth": column headers with buttons, aria-sort; with another prediction
//       instead two tables, called as the predictions
//     grid "Confusion matrix" (with another prediction a second one, "Confusion matrix of OTHER"): gridcells "forest
//       predicted as rangeland: 12,345 pixels, 4.2 % of forest"; status below it; radios "share of the truth" and
//       "pixels" in group "Cells show"
//     sliders "Loss: epoch", "Scores of the validation tiles: epoch", "Confidence: confidence" read values off curves
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const { words } = landcover;
  const { make, iconButton } = landcover.elements;
  const { figure } = landcover.parts;
  const byId = (id) => document.getElementById(id);

  function start() {
    const report = JSON.parse(byId("report").textContent);
    landcover.fillThemeSwitch(byId("lc-theme"));
    landcover.fillScores(byId("lc-scores"), report);
    landcover.fillTraining(byId("lc-training"), report.training);
    landcover.fillAbout(byId("lc-about"), report.about);
    fillHeader(report);
    jumpWithoutAddress();
    if (report.items.length > 0) {
      new Shown(report).follow();
    } else {
      byId("lc-top").hidden = true;
    }
  }

  function fillHeader({ scores, selection }) {
    if (scores) {
      const { mean_iou_low: low, mean_iou_high: high } = scores;
      const interval = low === null || high === null ? "" : `${words.score(low)}–${words.score(high)}`;
      byId("lc-headline").append(
        figure("mean IoU", words.score(scores.mean_iou), interval),
        figure("pixel accuracy", words.score(scores.pixel_accuracy)));
    }
    const [unit, count] = scores ? [scores.unit, scores.images] : ["images", selection.total];
    byId("lc-headline").append(figure(unit, words.integer(count)));
    const links = [["lc-scores", "Scores"], ["lc-training", "Training"], ["lc-about", "About"]]
      .filter(([id]) => !byId(id).hidden)
      .map(([id, name]) => make("a", { href: `#${id}` }, name));
    byId("lc-contents").append(...links);
    byId("lc-contents").hidden = links.length === 0;
  }

  /** Links within the page leave its address alone: what follows the # is the name of an image. */
  function jumpWithoutAddress() {
    for (const link of document.querySelectorAll(".lc-skip, #lc-contents a")) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        const target = byId(link.hash.slice(1));
        target.focus({ preventScroll: true });
        target.scrollIntoView();
      });
    }
  }

  /** What the viewer shows: always the image that the address names. */
  class Shown {
    constructor(report) {
      this.report = report;
      this.strip = new landcover.Strip(byId("lc-strip"), report);
      this.viewer = new landcover.Viewer(byId("lc-map"), report);
      this.viewer.element.addEventListener("lc-palette", (event) => this.recolour(event.detail));
      this.byName = new Map([...report.items].reverse().map((item) => [words.key(item.name), item]));
      this.name = make("bdi");
      this.facts = make("p", { class: "lc-facts-line" });
      this.place = make("span", { class: "lc-muted lc-place" });
      this.previous = iconButton("Previous image", "M12 4 6 10l6 6", () => this.step(-1));
      this.next = iconButton("Next image", "M8 4l6 6-6 6", () => this.step(1));
      this.previous.title += " [";
      this.next.title += " ]";
      byId("lc-current").append(
        make("div", { class: "lc-steps" }, this.previous, this.place, this.next),
        make("h2", {}, this.name), this.facts);
      const isAlone = report.items.length === 1;
      byId("lc-current").classList.toggle("lc-alone", isAlone);
      byId("lc-top").classList.toggle("lc-alone", isAlone && !report.selection.text);
    }

    follow() {
      window.addEventListener("hashchange", () => this.showNamed());
      document.addEventListener("keydown", (event) => this.onKey(event));
      byId("lc-strip").addEventListener("arrange", () => this.tellPlace());
      this.showNamed();
    }

    showNamed() {
      const name = words.named(window.location.hash);
      const item = this.byName.get(name);
      byId("lc-notice").textContent = name === "" || item ? ""
        : `No image here is called “${words.oneLine(name)}”: this is ${this.strip.orders[0].first}.`;
      this.show(item || this.strip.first);
    }

    show(item) {
      this.name.textContent = words.oneLine(item.name);
      this.facts.textContent = facts(item, this.report.labels);
      this.strip.mark(item);
      this.tellPlace();
      this.viewer.show(landcover.itemScene(item));
    }

    /** Chips and painted thumbnails follow the palette of the viewer. */
    recolour(palette) {
      document.documentElement.dataset.palette = palette;
      this.strip.thumbnails.setPalette(palette);
    }

    step(by) {
      const item = this.strip.neighbour(by);
      if (item) {
        window.location.hash = words.fragment(item.name);
      }
    }

    tellPlace() {
      const [place, count] = this.strip.place;
      this.place.textContent = `${place > 0 ? words.integer(place) : words.NONE} of ${words.integer(count)}`;
      this.previous.disabled = !this.strip.neighbour(-1);
      this.next.disabled = !this.strip.neighbour(1);
    }

    /** [ and ] anywhere but in a field; page keys only where they scroll nothing, in the viewer. */
    onKey(event) {
      const by = { "[": -1, "]": 1, PageUp: -1, PageDown: 1 }[event.key];
      const isTyping = event.target.closest("input[type=search], select");
      const isPaging = event.key.startsWith("Page");
      const isAltGr = event.getModifierState("AltGraph"); // types brackets, and counts as Ctrl
      const isShortcut = (event.ctrlKey && !isAltGr) || event.metaKey;
      if (!by || isTyping || isShortcut || event.defaultPrevented) {
        return;
      }
      if (!isPaging || byId("lc-viewer").contains(event.target)) {
        event.preventDefault();
        this.step(by);
      }
    }
  }

  /** What is known of an image, in one line. */
  function facts(item, labels) {
    const size = item.reduction > 1
      ? `${item.source_width} × ${item.source_height} pixels, shown at 1:${item.reduction}`
      : `${item.width} × ${item.height} pixels`;
    const other = item.scores && item.other_scores
      ? ` (${words.oneLine(labels.other)}: ${words.score(item.other_scores.mean_iou)})` : "";
    const scores = item.scores
      ? [
        `mean IoU ${words.score(item.scores.mean_iou)}${other}`,
        `pixel accuracy ${words.score(item.scores.pixel_accuracy)}`,
        words.count(item.scores.wrong, "wrong pixel"),
      ] : [];
    const confidence = typeof item.confidence === "number" ? `mean confidence ${words.score(item.confidence)}` : "";
    return [...scores, confidence, size, item.bands].filter(Boolean).join(" · ");
  }

  start();
})();
