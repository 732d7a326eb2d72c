// The orders in which the images of the strip can stand, and what each is sorted by, in words.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const { words } = landcover;

  /**
   * @typedef {Object} Order
   * @property {string} key
   * @property {string} label  in the list of orders
   * @property {string} [first]  what the first is called; only of those that can be the default
   * @property {boolean} [byClass]  whether it depends on a chosen class
   * @property {boolean} [descending]  the largest first
   * @property {function(Object, number): ?number|string} value  of an item and a label: by it items are sorted
   * @property {function(Object, number): string} caption  of an item and a label: a number below its thumbnail
   * @property {function(Object, number): string} spoken  the same in words
   */

  /**
   * The orders that a report has; the first is the default.
   * @param {Object} report
   * @returns {Array<Order>}
   */
  landcover.orders = (report) => {
    const value = (item) => words.oneLine(item.name);
    const byName = { ...byMeanIou, key: "name", label: "name", first: "the first", value };
    const some = (key) => report.items.some((item) => !isMissing(item[key]));
    return [
      ...(some("scores") ? [byMeanIou, byClass(report.classes), byWrong] : []),
      ...(some("confidence") ? [byConfidence] : []),
      byName,
      ...(some("scores") && some("other_scores") ? [byLoss(report.labels.other)] : []),
    ];
  };

  const meanIou = (item) => (item.scores ? item.scores.mean_iou : null);

  const byMeanIou = {
    key: "mean_iou",
    label: "mean IoU, worst first",
    first: "the worst",
    value: meanIou,
    caption: (item) => (item.scores ? words.score(meanIou(item)) : ""),
    spoken: (item) => (item.scores ? `mean IoU ${words.score(meanIou(item))}` : ""),
  };

  const byWrong = {
    key: "wrong",
    label: "wrong pixels, most first",
    descending: true,
    value: (item) => (item.scores ? item.scores.wrong : null),
    caption: (item) => (item.scores ? words.compact(item.scores.wrong) : ""),
    spoken: (item) => (item.scores ? words.count(item.scores.wrong, "wrong pixel") : ""),
  };

  const byConfidence = {
    key: "confidence",
    label: "mean confidence, least sure first",
    first: "the least sure",
    value: (item) => item.confidence,
    caption: (item) => words.score(item.confidence),
    spoken: (item) => `mean confidence ${words.score(item.confidence)}`,
  };

  const byClass = (classes) => ({
    key: "class",
    label: "IoU of a class, worst first",
    byClass: true,
    value: (item, label) => (item.scores ? item.scores.iou[label] : null),
    caption: (item, label) => (item.scores ? words.score(item.scores.iou[label]) : ""),
    spoken: (item, label) =>
      item.scores ? `IoU of ${classes[label].name} ${words.score(item.scores.iou[label])}` : "",
  });

  const byLoss = (other) => {
    const value = ({ scores, other_scores: others }) =>
      isMissing(scores?.mean_iou) || isMissing(others?.mean_iou) ? null : scores.mean_iou - others.mean_iou;
    return {
      key: "difference",
      label: `mean IoU compared with ${words.oneLine(other)}, worst first`,
      value,
      caption: (item) => words.difference(value(item)),
      spoken: (item) => `mean IoU ${words.difference(value(item))} compared with ${words.oneLine(other)}`,
    };
  };

  /**
   * Items in an order; those without a value are last, equals stand by name.
   * @param {Array<Object>} items
   * @param {Order} order
   * @param {number} label  of the chosen class
   * @param {boolean} reversed  those with a value the other way round
   */
  landcover.sorted = (items, order, label, reversed) => {
    const sign = (order.descending ? -1 : 1) * (reversed ? -1 : 1);
    return [...items].sort((one, other) => {
      const [a, b] = [order.value(one, label), order.value(other, label)];
      const byValue = isMissing(a) || isMissing(b)
        ? isMissing(a) - isMissing(b)
        : sign * (typeof a === "string" ? collator.compare(a, b) : a - b);
      return byValue || collator.compare(one.name, other.name);
    });
  };

  const collator = new Intl.Collator("en", { numeric: true });
  const isMissing = (value) => value === null || value === undefined;
})();
