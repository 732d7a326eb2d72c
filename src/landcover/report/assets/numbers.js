// The numbers below the viewer: scores, curves of training, what it was trained on. What is absent leaves no heading.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const { words } = landcover;
  const { make } = landcover.elements;
  const { figure } = landcover.parts;
  const READING =
    "The IoU of a class is the number of pixels that are of it in both truth and prediction, divided by the number " +
    "that are of it in either: 1 is perfect, 0 is no overlap. Precision is the share of the pixels predicted as a " +
    "class that are right, recall the share of its true pixels that are found, F1 the harmonic mean of both.";
  const CURVES = [
    ["Loss", ["train_loss", "validation_loss"]], ["Scores of the validation tiles", ["tile_mean_iou", "tile_accuracy"]],
  ];
  const NAMES = {
    train_loss: "training", validation_loss: "validation", tile_mean_iou: "mean IoU", tile_accuracy: "pixel accuracy",
  };

  /** @param {HTMLElement} section  filled and shown if there are scores  @param {Object} report */
  landcover.fillScores = (section, report) => {
    const { scores } = report;
    if (!scores) {
      return;
    }
    const matrix = landcover.confusionBlock(report, scores.confusion, "Confusion matrix", "one");
    const title = `Confusion matrix of ${words.oneLine(report.labels.other)}`;
    const other = report.other_scores
      ? landcover.confusionBlock(report, report.other_scores.confusion, title, "other") : null;
    const calibration = report.calibration ? block(landcover.calibrationFigure(report.calibration)) : null;
    const isWide = matrix.classList.contains("lc-wide"); // then it stands below what is beside the table
    section.append(
      make("h2", { id: "lc-scores-heading" }, "Scores"),
      headline(scores),
      make("p", { class: "lc-reading-help" }, reading(scores)),
      make("div", { class: "lc-blocks" },
        report.comparison ? landcover.comparisonBlock(report) : classes(report),
        ...(isWide ? [calibration, matrix, other] : [matrix, other, calibration])));
    section.hidden = false;
  };

  /** @param {HTMLElement} section  filled and shown if there are curves  @param {?{columns, rows}} training */
  landcover.fillTraining = (section, training) => {
    const curves = training ? curvesOf(training) : [];
    if (curves.length > 0) {
      section.append(
        make("h2", { id: "lc-training-heading" }, "Training"),
        make("div", { class: "lc-blocks" }, ...curves.map(block)));
      section.hidden = false;
    }
  };

  /** @param {HTMLElement} section  filled and shown if anything is known  @param {Array<{heading, rows}>} about */
  landcover.fillAbout = (section, about) => {
    const parts = about.filter(({ rows }) => rows.length > 0);
    if (parts.length > 0) {
      section.append(
        make("h2", { id: "lc-about-heading" }, "What it was trained on"),
        make("div", { class: "lc-about" }, ...parts.map(({ heading, rows }) => make("div", { class: "lc-facts" },
          make("h3", {}, heading),
          make("dl", {}, ...rows.flatMap(([key, value]) =>
            [make("dt", {}, key), make("dd", { dir: "auto" }, value)]))))));
      section.hidden = false;
    }
  };

  const classes = (report) =>
    make("section", { class: "lc-block", "aria-labelledby": "lc-classes-heading" },
      make("h3", { id: "lc-classes-heading" }, "Classes"),
      landcover.classTable(report.classes, report.scores, "Scores of each class; share of the truth"));

  const block = (content) => make("div", { class: "lc-block" }, content);

  function headline(scores) {
    const hasInterval = scores.mean_iou_low !== null && scores.mean_iou_high !== null;
    const interval = hasInterval ? `${words.score(scores.mean_iou_low)} to ${words.score(scores.mean_iou_high)}` : "";
    return make("dl", { class: "lc-figures" },
      figure("Mean IoU", words.score(scores.mean_iou), interval),
      figure("Pixel accuracy", words.score(scores.pixel_accuracy)),
      figure("Mean accuracy", words.score(scores.mean_accuracy)),
      figure("Frequency-weighted IoU", words.score(scores.frequency_weighted_iou)));
  }

  function reading(scores) {
    const unit = scores.unit.replace(/s$/, "");
    const over = words.count(scores.images, unit);
    const interval = scores.mean_iou_low === null || scores.mean_iou_high === null ? ""
      : " The interval is where the mean IoU would lie, 95 times of 100, had chance chosen other " +
        `${scores.unit} of the same kind.`;
    return `${READING} All count the pixels of ${over} together.${interval}`;
  }

  function curvesOf({ columns, rows }) {
    const column = (name) => rows.map((row) => {
      const value = columns.includes(name) ? row[columns.indexOf(name)] : null;
      return typeof value === "number" && Number.isFinite(value) ? value : null;
    });
    const steps = column("epoch").map((epoch, i) => epoch ?? i + 1);
    const series = (names) => names.map((name) => ({ name: NAMES[name], values: column(name) }))
      .filter(({ values }) => values.some((value) => value !== null));
    return CURVES
      .map(([title, names]) => ({ title, steps, stepName: "epoch", series: series(names), format: words.score }))
      .filter(({ series }) => series.length > 0)
      .map(landcover.charts.lines);
  }
})();
