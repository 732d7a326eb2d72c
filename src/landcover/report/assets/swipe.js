// The handle between left and right, moved by mouse, touch and keyboard.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const { make, icon } = landcover.elements;

  const [STEP, LEAP] = [0.02, 0.1]; // of the width: an arrow key, one with Shift

  landcover.Swipe = class {
    #value = 0.5;
    #onMove;
    #names = ["", ""];

    /**
     * @param {HTMLElement} stage - Over which the handle is moved.
     * @param {(value: number) => void} onMove - Called with its place, 0 (left end) to 1, when a person moves it.
     */
    constructor(stage, onMove) {
      this.#onMove = onMove;
      this.element = make(
        "div",
        { class: "lc-handle", role: "slider", tabindex: 0, "aria-label": "Swipe", "aria-orientation": "horizontal" },
        make("span", { class: "lc-knob" }, icon("M7 5 2.5 10 7 15M13 5l4.5 5-4.5 5")),
      );
      this.element.setAttribute("aria-valuemin", "0");
      this.element.setAttribute("aria-valuemax", "100");
      this.#followPointer(stage);
      this.element.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => this.#followKey(event));
      this.set(this.#value);
    }

    /** Its place, 0 to 1. */
    get value() {
      return this.#value;
    }

    /** Move it to a place, 0 to 1. */
    set(/** @type {number} */ value) {
      this.#value = Math.min(Math.max(value, 0), 1);
      const percent = Math.round(this.#value * 100);
      this.element.style.left = `${this.#value * 100}%`;
      this.element.setAttribute("aria-valuenow", String(percent));
      const [left, right] = this.#names;
      this.element.setAttribute("aria-valuetext", `${percent} %: ${left} on the left, ${right} on the right`);
    }

    /** Say between which layers it stands. */
    label(/** @type {string} */ left, /** @type {string} */ right) {
      this.#names = [left, right];
      this.set(this.#value);
    }

    #moveTo(value) {
      this.set(value);
      this.#onMove(this.#value);
    }

    #followPointer(stage) {
      let grip = null; // how far from the line it was seized, pixels
      this.element.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
        if (event.button !== 0) return;
        const box = stage.getBoundingClientRect();
        grip = event.clientX - (box.left + this.#value * box.width);
        this.element.setPointerCapture(event.pointerId);
      });
      this.element.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
        if (grip === null) return;
        const box = stage.getBoundingClientRect();
        if (box.width) this.#moveTo((event.clientX - grip - box.left) / box.width);
      });
      for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) {
        this.element.addEventListener(end, () => (grip = null));
      }
    }

    #followKey(event) {
      if (event.ctrlKey || event.altKey || event.metaKey) return;
      const step = event.shiftKey ? LEAP : STEP;
      const places = {
        ArrowLeft: this.#value - step,
        ArrowDown: this.#value - step,
        ArrowRight: this.#value + step,
        ArrowUp: this.#value + step,
        Home: 0,
        End: 1,
      };
      if (!(event.key in places)) return;
      event.preventDefault();
      this.#moveTo(Math.round(places[event.key] * 1e6) / 1e6); // sums of 0.02 stay round
    }
  };
})();
