"use strict";

/**
 * What was read, on the page: the digit, ten bars, the 28 x 28; and for those who listen, one sentence once the pen rests.
 * @typedef {object} Answer
 * @property {number | null} digit
 * @property {number[]} digits  the likeliest first
 * @property {number[]} probabilities
 * @property {number} confidence
 * @property {string} reason  why there is no digit; empty if there is one
 * @property {Uint8Array | null} image  what the network saw, before its permutation; null if nothing could be read
 * @property {number} milliseconds
 * @property {string} version
 * @property {string | null} id  of the server's
 */
(() => {
  const mnistlab = (globalThis.mnistlab ??= {});
  const { say, has, number, percent, either, aDigit } = mnistlab.language;

  const SECOND = 0.1; // probability from which the second choice is worth naming
  const NAMED = 4; // digits of a larger set that are shown
  const QUIET = 400; // ms until an answer is announced

  /** An element of the page. @param {string} id @returns {any} */
  const part = (id) => document.getElementById(id);

  /** Change a text only if it is another one. @param {Element} element @param {string} text */
  function put(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  /** Ten bars in a list. @param {HTMLElement} list */
  function makeBars(list) {
    for (let digit = 0; digit < 10; digit += 1) {
      const [bar, name, value] = ["i", "span", "span"].map((tag) => document.createElement(tag));
      name.textContent = String(digit);
      value.className = "hidden";
      const item = document.createElement("li");
      item.append(bar, name, value);
      list.append(item);
    }
  }

  /** @param {HTMLElement} list @param {Answer | null} answer */
  function showBars(list, answer) {
    for (const [digit, item] of [...list.children].entries()) {
      const probability = answer?.image ? answer.probabilities[digit] : 0;
      /** @type {HTMLElement} */ (item).style.setProperty("--p", `${100 * probability}%`);
      item.classList.toggle("top", Boolean(answer?.digits.includes(digit)));
      put(item.children[2], answer?.image ? percent(probability) : "");
    }
  }

  /** The digit, or those it may be, or a dash. @param {HTMLElement} element @param {Answer | null} answer */
  function showDigits(element, answer) {
    const digits = answer?.digits.slice(0, NAMED) ?? [];
    element.dataset.of = String(digits.length);
    const pieces = digits.flatMap((digit, k) => (k ? [k === digits.length - 1 ? ` ${say("or")} ` : ", ", digit] : [digit]));
    if (element.textContent === (pieces.join("") || "–")) return;
    const between = (/** @type {string} */ text) => Object.assign(document.createElement("small"), { textContent: text });
    element.replaceChildren(
      ...(pieces.length ? pieces.map((piece) => (typeof piece === "number" ? String(piece) : between(piece))) : ["–"]),
    );
  }

  /** A line beside the digit, and smaller ones below it. @param {Answer | null} answer @returns {[string, string[]]} */
  function words(answer) {
    if (!answer || answer.reason === "empty") return [say("waiting"), []];
    if (answer.digit === null) {
      const key = `reason.${answer.reason}`;
      return [say("noDigit"), [has(key) ? say(key) : answer.reason]];
    }
    const share = (/** @type {number} */ digit) => percent(answer.probabilities[digit]);
    const { digits } = answer;
    if (digits.length > 1) {
      const named = digits.length === 2 ? digits : digits.slice(0, 1);
      const remarks = [named.map((digit) => say("share", { digit, share: share(digit) })).join(", ")];
      if (digits.length > NAMED) remarks.push(say("more", { count: digits.length - NAMED }));
      return [say("doubt"), remarks];
    }
    const second = answer.probabilities.map((p, digit) => [p, digit]).sort((a, b) => b[0] - a[0])[1];
    const remarks = second[0] >= SECOND ? [say("perhaps", { digit: aDigit(second[1]), share: percent(second[0]) })] : [];
    return [say("sure", { share: percent(answer.confidence) }), remarks];
  }

  /** One sentence for those who listen. @param {Answer | null} answer */
  function sentence(answer) {
    const [head, remarks] = words(answer);
    const digits = answer?.digits.length ? `${either(answer.digits.map(String))}: ` : "";
    return `${digits}${[head, ...remarks].join(". ")}`;
  }

  let timer = 0;

  /** The whole reading. @param {Answer | null} answer @param {{settled: boolean, waiting: string}} how */
  function show(answer, { settled, waiting }) {
    const [head, remarks] = waiting ? [waiting, []] : words(answer);
    showDigits(part("digit"), answer);
    put(part("sure"), head);
    put(part("also"), remarks.join(", "));
    put(part("time"), answer?.image ? say("readIn", { ms: number(answer.milliseconds, 1) }) : "");
    mnistlab.paint.seen(part("seen"), answer?.image ?? null);
    showBars(part("bars"), answer);
    clearTimeout(timer);
    if (settled && !waiting) timer = setTimeout(() => put(part("spoken"), sentence(answer)), QUIET);
  }

  mnistlab.view = Object.freeze({ part, put, makeBars, showBars, showDigits, words, sentence, show });
})();
