// The strip of thumbnails: sorted, filtered, walked through by keyboard; each is a permanent link to its image.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const { words } = landcover;
  const { make, iconButton } = landcover.elements;
  const REVERSE = "M6 4v12M3 13l3 3 3-3M14 16V4M11 7l3-3 3 3";

  landcover.Strip = class {
    /**
     * @param {HTMLElement} nav  filled with the strip
     * @param {Object} report
     */
    constructor(nav, report) {
      this.report = report;
      this.orders = landcover.orders(report);
      this.thumbnails = new landcover.Thumbnails(report.classes, report.ignore);
      this.entries = new Map(report.items.map((item) => [item, this.entry(item)]));
      this.current = null;
      this.shown = []; // items, in the order in which they stand
      this.list = make("ul", { class: "lc-thumbnails" });
      this.list.addEventListener("keydown", (event) => this.walk(event));
      this.none = make("p", { class: "lc-muted", hidden: true }, "No image has such a name.");
      nav.append(this.controls(), this.list, this.none);
      this.arrange();
    }

    /** The item that is shown when none is asked for: the first by the default order. */
    get first() {
      return landcover.sorted(this.report.items, this.orders[0], 0, false)[0];
    }

    /** The item before (-1) or after (1) the current one, as they stand; null at the ends. */
    neighbour(step) {
      const at = this.shown.indexOf(this.current);
      return (at < 0 ? this.shown[0] : this.shown[at + step]) || null;
    }

    /** Where the current item stands: [its number from 1, how many stand here]. */
    get place() {
      return [this.shown.indexOf(this.current) + 1, this.shown.length];
    }

    /** Mark the item that the viewer shows. */
    mark(item) {
      this.current = item;
      for (const [other, { link }] of this.entries) {
        if (other === item) {
          link.setAttribute("aria-current", "true");
        } else {
          link.removeAttribute("aria-current");
        }
      }
      this.focusable(item);
      this.reveal(this.entries.get(item).link);
    }

    controls() {
      const { report } = this;
      const heading = make("h2", {}, "Images ", (this.counted = make("span", { class: "lc-muted" })));
      const options = this.orders.map((order) => make("option", { value: order.key }, order.label));
      this.order = make("select", { class: "lc-select", "aria-label": "Sort by" }, ...options);
      const classes = report.classes.map((shown, label) => make("option", { value: label }, shown.name));
      this.label = make("select", { class: "lc-select", "aria-label": "Class to sort by", hidden: true }, ...classes);
      this.reversed = iconButton("Reverse order", REVERSE, () => this.reverse());
      this.reversed.setAttribute("aria-pressed", "false");
      this.filter = make("input", { type: "search", "aria-label": "Filter by name", placeholder: "Filter by name" });
      this.order.addEventListener("change", () => this.arrange(true));
      this.label.addEventListener("change", () => this.arrange(true));
      this.filter.addEventListener("input", () => this.arrange());
      const text = report.selection.text;
      return make("div", { class: "lc-strip-controls" },
        heading,
        text ? make("p", { class: "lc-selection" }, text) : null,
        make("div", { class: "lc-strip-order" }, this.order, this.reversed, this.label),
        report.items.length > 8 ? this.filter : null);
    }

    reverse() {
      this.reversed.setAttribute("aria-pressed", this.isReversed ? "false" : "true");
      this.arrange(true);
    }

    get isReversed() {
      return this.reversed.getAttribute("aria-pressed") === "true";
    }

    /** Put the items in the chosen order; `fromStart` scrolls to the first. */
    arrange(fromStart = false) {
      const { report, filter, list } = this;
      const order = this.orders.find(({ key }) => key === this.order.value);
      const label = Number(this.label.value);
      this.label.hidden = !order.byClass;
      const wanted = filter.value.trim().toLowerCase();
      const found = report.items.filter(({ name }) => words.oneLine(name).toLowerCase().includes(wanted));
      this.shown = landcover.sorted(found, order, label, this.isReversed);
      for (const item of this.shown) {
        const { link, caption } = this.entries.get(item);
        caption.textContent = order.caption(item, label);
        const spoken = [words.oneLine(item.name), order.spoken(item, label)].filter(Boolean);
        link.setAttribute("aria-label", spoken.join(", "));
      }
      list.replaceChildren(...this.shown.map((item) => this.entries.get(item).row));
      this.none.hidden = this.shown.length > 0;
      const [here, all] = [this.shown.length, report.items.length];
      this.counted.textContent = here === all ? words.integer(all) : `${here} of ${words.integer(all)}`;
      this.focusable(this.shown.includes(this.current) ? this.current : this.shown[0]);
      if (fromStart) {
        list.scrollTo(0, 0);
      }
      list.dispatchEvent(new Event("arrange", { bubbles: true }));
    }

    entry(item) {
      const caption = make("span", { class: "lc-thumbnail-score" });
      const link = make("a", { href: `#${words.fragment(item.name)}`, tabindex: -1 },
        this.thumbnails.frame(item),
        make("bdi", { class: "lc-thumbnail-name" }, words.oneLine(item.name)),
        caption);
      link.title = words.oneLine(item.name);
      return { row: make("li", {}, link), link, caption };
    }

    /** Only one of the links is reached with Tab; the arrows lead to the others. */
    focusable(item) {
      for (const [other, { link }] of this.entries) {
        link.tabIndex = other === item ? 0 : -1;
      }
    }

    walk(event) {
      const links = this.shown.map((item) => this.entries.get(item).link);
      const at = links.indexOf(document.activeElement);
      const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -rowLength(links), ArrowDown: rowLength(links) };
      const to = { Home: 0, End: links.length - 1 }[event.key] ?? at + steps[event.key];
      if (at < 0 || Number.isNaN(to) || event.ctrlKey || event.metaKey || event.altKey) {
        return;
      }
      event.preventDefault();
      const link = links[to];
      if (link) {
        this.focusable(this.shown[to]);
        link.focus({ preventScroll: true });
        this.reveal(link);
      }
    }

    /** Scroll the list, and nothing else, until a link is in view. */
    reveal(link) {
      const [box, frame] = [link.getBoundingClientRect(), this.list.getBoundingClientRect()];
      const [down, right] = [
        outside(box.top, box.bottom, frame.top, frame.bottom), outside(box.left, box.right, frame.left, frame.right),
      ];
      this.list.scrollBy(right, down);
    }
  };

  const outside = (low, high, from, to) => (low < from ? low - from : high > to ? high - to : 0);

  /** How many links stand beside each other; all, if the list is one row. */
  function rowLength(links) {
    const top = links[0].offsetTop;
    const next = links.findIndex((link) => link.offsetTop > top + 1);
    return next < 0 ? 1 : next;
  }
})();
