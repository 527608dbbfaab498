"use strict";

/** Why: which ink spoke for the digit and which against, in the ink itself and in words. */
(() => {
  const mnistlab = (globalThis.mnistlab ??= {});
  const { CANVAS } = mnistlab.drawing;
  const { say, aDigit } = mnistlab.language;
  const { part, put } = mnistlab.view;

  class Explanation {
    isOn = false;
    /** @type {Attribution | null} */
    found = null;
    /** @type {Content | null} */
    #of = null;

    /** @param {Source} source @param {() => void} told there is something new to show */
    constructor(source, told) {
      this.source = source;
      this.told = told;
    }

    /** Nothing is known of what is drawn now. */
    forget() {
      this.found = null;
      this.#of = null;
    }

    /**
     * Find out about a drawing that is finished.
     * @param {Content} content @param {Answer | null} answer @returns {Promise<void>}
     */
    async explain(content, answer) {
      if (!this.isOn || !answer || answer.digit === null || content.picture || this.#of === content) return;
      this.#of = content;
      try {
        const found = await this.source.why(content, answer.digit, () => this.#of !== content);
        if (this.#of !== content) return; // the drawing went on meanwhile
        this.found = found;
      } catch (error) {
        if (this.#of === content) this.#of = null;
        throw error;
      }
      this.told();
    }

    /** The button, and below the canvas what the colours mean. @param {Content} content @param {Answer | null} answer */
    show(content, answer) {
      const digit = answer?.digit ?? null;
      put(part("why"), digit === null ? say("why") : say("whyDigit", { digit: aDigit(digit) }));
      part("why").setAttribute("aria-pressed", String(this.isOn));
      part("legend").hidden = !this.isOn;
      const found = this.isOn ? this.found : null;
      part("legend-keys").hidden = !found;
      const missing = answer?.parts.length ? "whySeveral" : "whyNothing";
      const waiting = content.picture ? "whyPicture" : digit === null ? missing : "whyWaiting";
      const most = found && { digit: found.digit, place: say(`place.${strongest(found)}`) };
      put(part("legend-text"), most ? say("whyMost", most) : say(waiting));
      for (const kind of ["For", "Against", "Little"]) {
        put(part(`legend-${kind.toLowerCase()}`), say(`why${kind}`, { digit: found?.digit ?? "" }));
      }
    }
  }

  /** Where in the drawing the piece lies that says most for the digit: 0 to 8, row by row. @param {Attribution} found */
  function strongest({ pieces, weights }) {
    const values = Array.from(weights);
    const piece = pieces[values.indexOf(Math.max(...values))];
    const [x, y] = piece[piece.length >> 1];
    const points = pieces.flat();
    const third = (/** @type {number} */ value, /** @type {number[]} */ all) => {
      const [least, most] = [Math.min(...all), Math.max(...all)];
      const size = Math.max(most - least, CANVAS / 4); // a narrow digit has no left and no right
      return Math.min(2, Math.max(0, Math.floor(3 * ((value - (least + most) / 2) / size + 0.5))));
    };
    return 3 * third(y, points.map((point) => point[1])) + third(x, points.map((point) => point[0]));
  }

  mnistlab.explanation = Object.freeze({ Explanation, strongest });
})();
