"use strict";

/** What the page says, in the language of the browser or the one that was chosen. */
(() => {
  const mnistlab = (globalThis.mnistlab ??= {});
  const texts = mnistlab.text;

  const NO_BREAK = / (?=[:;?!%»])|(?<=«) |(?<=\d) (?=(?:ms|s|px|MB|Mo)\b)/g; // before some signs, and before a unit

  const known = (navigator.languages ?? [navigator.language]).map((name) => name.slice(0, 2)).find((name) => texts[name]);
  let current = known ?? "en";

  /**
   * A text with its values filled in.
   * @param {string} key
   * @param {Record<string, string | number>} [values]
   * @returns {string}
   */
  function say(key, values = {}) {
    const text = texts[current][key];
    if (text === undefined) throw new Error(`there is no text ${key}`);
    const filled = text.replace(/\{(\w+)\}/g, (/** @type {string} */ _, /** @type {string} */ name) => String(values[name]));
    return filled.replace(NO_BREAK, "\u00a0");
  }

  /** Whether there is such a text. @param {string} key */
  const has = (key) => key in texts[current];

  /** English as it is written in most countries: the day before the month. */
  const locale = () => (current === "en" ? "en-GB" : current);

  /** A number as it is written in the language. @param {number} value @param {number} [digits] after the point */
  function number(value, digits = 0) {
    return value.toLocaleString(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits });
  }

  /** A probability in per cent; 100 only for what is 100 to the decimal shown. @param {number} probability */
  const percent = (probability) => share(Math.floor(1000 * probability + 1e-9) / 1000, 1);

  /** A share in per cent. @param {number} value @param {number} [digits] after the point */
  const share = (value, digits = 2) => say("percent", { number: number(100 * value, digits) });

  /** Several choices, as `1, 4 or 9`. @param {string[]} choices */
  function either(choices) {
    const last = choices[choices.length - 1];
    return choices.length < 2 ? last : say("either", { first: choices.slice(0, -1).join(", "), last });
  }

  /** One after the other: `1, then 2`. @param {string[]} names @param {number} more that are not named */
  const listed = (names, more) => names.join(say("then")) + (more > 0 ? say("moreParts", { count: more }) : "");

  /** A digit with its article. @param {number} digit */
  const aDigit = (digit) => say(digit === 8 ? "anEight" : "aDigit", { digit });

  /** @param {string} moment ISO 8601 */
  const date = (moment) => new Date(moment).toLocaleDateString(locale(), { day: "numeric", month: "long", year: "numeric" });

  /** Fill in every element that has a text of its own. */
  function fill() {
    document.documentElement.lang = current;
    document.title = say("title");
    for (const element of document.querySelectorAll("[data-text]")) {
      element.textContent = say(/** @type {HTMLElement} */ (element).dataset.text ?? "");
    }
    for (const element of document.querySelectorAll("[data-label]")) {
      const label = say(/** @type {HTMLElement} */ (element).dataset.label ?? "");
      element.setAttribute("aria-label", label);
      if (element.localName === "button") element.setAttribute("title", label);
    }
  }

  /** The next language; the page is filled anew. */
  function switchOver() {
    const names = Object.keys(texts);
    current = names[(names.indexOf(current) + 1) % names.length];
    fill();
  }

  mnistlab.language = Object.freeze({ say, has, number, percent, share, either, listed, aDigit, date, fill, switchOver });
})();
