// Light or dark: as the system has it, or as chosen here.
(function () {
  "use strict";
  const landcover = (window.landcover ??= {});
  const KEY = "landcover-theme";
  const THEMES = [["auto", "Auto"], ["light", "Light"], ["dark", "Dark"]];

  /**
   * Fill the switch of themes.
   * @param {HTMLFieldSetElement} fieldset
   */
  landcover.fillThemeSwitch = (fieldset) => {
    const kept = recall();
    const theme = THEMES.some(([value]) => value === kept) ? kept : "auto";
    apply(theme);
    landcover.parts.fillChoice(fieldset, "lc-theme", THEMES, theme, (chosen) => {
      apply(chosen);
      keep(chosen);
    });
  };

  function apply(theme) {
    if (theme === "auto") {
      delete document.documentElement.dataset.theme;
    } else {
      document.documentElement.dataset.theme = theme;
    }
  }

  // A browser may forbid a page on disk to keep anything: then the choice lasts as long as the page.
  function recall() {
    try {
      return window.sessionStorage.getItem(KEY);
    } catch {
      return null;
    }
  }

  function keep(theme) {
    try {
      window.sessionStorage.setItem(KEY, theme);
    } catch {
      // see above
    }
  }
})();
