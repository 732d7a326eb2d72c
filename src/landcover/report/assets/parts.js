// Small parts of the page of the report: elements of drawings, chips of classes, switches.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const { make } = landcover.elements;

  /**
   * Make an element of SVG.
   * @param {string} tag
   * @param {Record<string, string | number>} attributes
   * @param {...(Node | string)} children
   * @returns {SVGElement}
   */
  function svg(tag, attributes = {}, ...children) {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, String(value));
    element.append(...children);
    return element;
  }

  /**
   * Make a square in the colour of a class, in the palette that the viewer shows.
   * @param {{colour: string, safe: string}} entry
   */
  function chip(entry) {
    const square = make("span", { class: "lc-chip", "aria-hidden": "true" });
    square.style.setProperty("--colour", entry.colour);
    square.style.setProperty("--safe", entry.safe);
    return square;
  }

  /**
   * Make radio buttons that look like one switch.
   * @param {HTMLFieldSetElement} fieldset - With its legend; filled.
   * @param {string} name - Of the radio buttons.
   * @param {[string, string][]} options - Values and labels.
   * @param {string} chosen - The value that is on at first.
   * @param {(value: string) => void} onChange
   */
  function fillChoice(fieldset, name, options, chosen, onChange) {
    fieldset.classList.add("lc-choice");
    for (const [value, label] of options) {
      const input = make("input", { type: "radio", name, value, checked: value === chosen });
      input.addEventListener("change", () => onChange(value));
      fieldset.append(make("label", {}, input, make("span", {}, label)));
    }
  }

  /**
   * Make an entry of a list of figures: a name, a value and perhaps a note.
   * @param {string} name
   * @param {string} value
   * @param {string} [note] - Paler.
   */
  function figure(name, value, note = "") {
    const said = make("dd", {}, value, note ? make("span", { class: "lc-muted" }, ` ${note}`) : null);
    return make("div", {}, make("dt", {}, name), said);
  }

  landcover.parts = { svg, chip, fillChoice, figure };
})();
