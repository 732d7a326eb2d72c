// Makes the elements of the page: text is always text, whatever it holds.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});

  /**
   * Make an element.
   * @param {string} tag
   * @param {Record<string, any>} [attributes] - Those that are null or false are left out; true is an empty one.
   * @param {...(Node | string | null)} children - Text becomes text nodes.
   * @returns {any} The element.
   */
  function make(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : String(value));
    }
    element.append(...children.filter((child) => child !== null));
    return element;
  }

  /**
   * Make an icon of lines in a square of 20 units, hidden from screen readers.
   * @param {string} path - The "d" of an SVG path.
   * @returns {SVGElement}
   */
  function icon(path) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    const lines = document.createElementNS(space, "path");
    for (const [name, value] of [["viewBox", "0 0 20 20"], ["class", "lc-icon"], ["aria-hidden", "true"]]) {
      svg.setAttribute(name, value);
    }
    lines.setAttribute("d", path);
    svg.append(lines);
    return svg;
  }

  /**
   * Make a button that shows an icon.
   * @param {string} name - For screen readers and as a tooltip.
   * @param {string} path - See `icon`.
   * @param {() => void} action
   */
  function iconButton(name, path, action) {
    const button = make("button", { type: "button", class: "lc-icon-button", "aria-label": name, title: name });
    button.append(icon(path));
    button.addEventListener("click", action);
    return button;
  }

  /**
   * Make a patch of a colour, hidden from screen readers: a name always stands beside it.
   * @param {string} colour - "#rrggbb".
   */
  function swatch(colour) {
    const patch = make("span", { class: "lc-swatch", "aria-hidden": "true" });
    patch.style.setProperty("--swatch", colour);
    return patch;
  }

  landcover.elements = { make, icon, iconButton, swatch };
})();
