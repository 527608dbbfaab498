"use strict";

/**
 * What was read, on the page: the digit, ten bars, the 28 x 28; and for those who listen, one sentence once the pen rests.
 * @typedef {object} Answer
 * @property {number | null} digit  null if there is none, or several
 * @property {number[]} digits  the likeliest first
 * @property {number[]} probabilities
 * @property {number} confidence
 * @property {string} reason  why there is no digit; empty if there is one
 * @property {{digit: number | null, digits: number[], confidence: number}[]} parts  of several digits, each in reading order
 * @property {number} strays  how many stray marks were left out
 * @property {Uint8Array | null} image  what the network saw, before its permutation; null if nothing could be read
 * @property {number} milliseconds
 * @property {string} version
 * @property {string | null} id  of the server's
 */
(() => {
  const mnistlab = (globalThis.mnistlab ??= {});
  const { say, has, number, percent, either, listed, aDigit } = mnistlab.language;

  const LEAST = { sure: 0.9, fairly: 0.6 }; // probability of the first choice, at least
  const LIMITS = { doubt: 1.3, sure: 3.5 }; // nats, where nothing was calibrated
  const SECOND = 0.1; // probability from which the second choice is worth naming
  const NAMED = 4; // digits of a larger set that are shown
  const MOST_PARTS = 6; // of several digits that are shown and named
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
      const [bar, name] = ["i", "span"].map((tag) => document.createElement(tag));
      const meter = { role: "meter", "aria-valuemin": 0, "aria-valuemax": 100, "aria-label": digit };
      for (const [attribute, value] of Object.entries(meter)) bar.setAttribute(attribute, String(value));
      name.textContent = String(digit);
      name.setAttribute("aria-hidden", "true");
      const item = document.createElement("li");
      item.append(bar, name);
      list.append(item);
    }
  }

  /** @param {HTMLElement} list @param {Answer | null} answer */
  function showBars(list, answer) {
    for (const [digit, item] of [...list.children].entries()) {
      const isRead = answer?.image && !answer.parts.length; // the network judges each of several by itself
      const probability = isRead ? answer.probabilities[digit] : 0;
      /** @type {HTMLElement} */ (item).style.setProperty("--p", `${100 * probability}%`);
      item.classList.toggle("top", Boolean(answer?.digits.includes(digit)));
      const bar = item.children[0];
      const share = isRead ? percent(probability) : "";
      bar.setAttribute("aria-valuenow", (100 * probability).toFixed(1));
      bar.setAttribute("aria-valuetext", share || say(answer?.parts.length ? "several" : "nothingRead"));
      /** @type {HTMLElement} */ (bar).title = share && say("share", { digit, share });
    }
  }

  /** Whether any of several pieces is a digit. @param {Answer | null} answer */
  const isSeveral = (answer) => Boolean(answer?.parts.some(({ digit }) => digit !== null));

  /** Several digits in reading order. @param {HTMLElement} element @param {Answer} answer */
  function showParts(element, { parts }) {
    const isSure = parts.every(({ digits, confidence }) => digits.length === 1 && confidence >= LEAST.sure);
    const least = Math.min(...parts.map(({ confidence }) => confidence));
    const shown = parts.slice(0, MOST_PARTS);
    element.dataset.of = `row-${shown.length}`;
    element.style.setProperty("--sure", `${isSure ? 100 : Math.round(80 * least ** 2)}%`);
    element.title = "";
    put(element, shown.map(({ digit }) => digit ?? "?").join("") + (parts.length > shown.length ? "…" : ""));
  }

  /** The digit, or those it may be, or all of several, or a dash. @param {HTMLElement} element @param {Answer | null} answer */
  function showDigits(element, answer) {
    if (answer && isSeveral(answer)) return showParts(element, answer);
    const digits = answer?.digits.slice(0, NAMED) ?? [];
    element.dataset.of = String(digits.length);
    const isSure = answer && answer.digits.length === 1 && certainty(answer) === "sure";
    element.style.setProperty("--sure", `${isSure ? 100 : Math.round(80 * (answer?.confidence ?? 0) ** 2)}%`);
    element.title = digits.length ? `${digits[0]}: ${percent(/** @type {Answer} */ (answer).confidence)}` : "";
    const pieces = digits.flatMap((digit, k) => (k ? [k === digits.length - 1 ? ` ${say("or")} ` : ", ", digit] : [digit]));
    if (element.textContent === (pieces.join("") || "–")) return;
    const between = (/** @type {string} */ text) => Object.assign(document.createElement("small"), { textContent: text });
    element.replaceChildren(
      ...(pieces.length ? pieces.map((piece) => (typeof piece === "number" ? String(piece) : between(piece))) : ["–"]),
    );
  }

  /** @type {Record<string, Limits | null>} by version: the greatest score, nats, of a digit within reach */
  let limits = {};

  /** How sure a reading is, as `mnistlab.evaluation.conformal.certainty` says it. @param {Answer} answer */
  function certainty({ probabilities, confidence, version }) {
    const { doubt, sure } = limits[version] ?? LIMITS;
    const within = (/** @type {number} */ limit) => probabilities.filter((p) => -Math.log(p) <= limit).length;
    if (within(doubt) !== 1 || confidence < LEAST.fairly) return "doubt";
    return within(sure) > 1 || confidence < LEAST.sure ? "fairly" : "sure";
  }

  /** Several digits by name: `1 or 7, then 4`. @param {Answer} answer @param {(digit: number) => string} name */
  function inOrder({ parts }, name) {
    const names = parts.slice(0, MOST_PARTS).map(({ digits }) => (digits.length ? either(digits.map(name)) : say("noPart")));
    return listed(names, parts.length - names.length);
  }

  /** What was left out. @param {Answer} answer @returns {string} */
  const leftOut = ({ strays }) => (strays > 1 ? say("strays", { count: strays }) : strays ? say("stray") : "");

  /** A line beside the digit, and smaller ones below it. @param {Answer | null} answer @returns {[string, string[]]} */
  function words(answer) {
    if (!answer || answer.reason === "empty") return [say("waiting"), []];
    if (isSeveral(answer)) return [say("several"), [inOrder(answer, String)]];
    if (answer.digit === null) {
      const key = `reason.${answer.parts.length ? "not-a-digit" : answer.reason}`;
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
    return [say(certainty(answer)), remarks];
  }

  /** One sentence for those who listen. @param {Answer | null} answer */
  function sentence(answer) {
    const spoken = (/** @type {number} */ digit) => say(`digit.${digit}`);
    const [head, remarks] = words(answer);
    if (!answer) return head;
    const told = isSeveral(answer)
      ? [say("severalNamed", { digits: inOrder(answer, spoken) })]
      : answer.digits.length
        ? [`${either(answer.digits.map(spoken))}, ${head}`]
        : [head, ...remarks];
    return [...told, leftOut(answer)].filter(Boolean).join(". ").replace(".. ", ". ");
  }

  let timer = 0;

  /** The whole reading. @param {Answer | null} answer @param {{settled: boolean, waiting: string}} how */
  function show(answer, { settled, waiting }) {
    const [head, remarks] = waiting ? [waiting, []] : words(answer);
    showDigits(part("digit"), answer);
    put(part("sure"), head);
    put(part("also"), remarks.join(", "));
    const time = answer?.image ? [say("readIn", { ms: number(answer.milliseconds, 1) }), leftOut(answer)] : [];
    put(part("time"), time.filter(Boolean).join("; "));
    mnistlab.paint.seen(part("seen"), answer?.image ?? null);
    showBars(part("bars"), answer);
    clearTimeout(timer);
    if (settled && !waiting) timer = setTimeout(() => put(part("spoken"), sentence(answer)), QUIET);
  }

  /** What each version was calibrated to. @param {typeof limits} of */
  const calibrate = (of) => void (limits = of);

  mnistlab.view = Object.freeze({ calibrate, certainty, part, put, makeBars, showBars, showDigits, words, sentence, show });
})();
