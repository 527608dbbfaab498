"use strict";

/**
 * From logits to an answer: the digit, what else it may be, or that it is no digit. The rules are those of
 * `mnistlab/evaluation/conformal.py` and `mnistlab/inference/predictor.py`.
 */
(() => {
  /** @type {Engine.Parts} */
  const mnistlab = (globalThis.mnistlab ??= {});

  /**
   * @param {{calibration: Engine.Calibration | null}} network
   * @param {Float64Array} logits ten of them
   * @returns {{digit: number | null, digits: number[], probabilities: number[], confidence: number, reason: "" | "not-a-digit"}}
   */
  function judge({ calibration }, logits) {
    const most = Math.max(...logits);
    const sum = logits.reduce((total, logit) => total + Math.exp(logit - most), 0);
    const probabilities = Array.from(logits, (logit) => Math.exp(logit - most) / sum);
    const ranked = probabilities.map((_, digit) => digit).sort((a, b) => probabilities[b] - probabilities[a] || a - b);
    if (calibration && probabilities[ranked[0]] < calibration.confidence) {
      return { digit: null, digits: [], probabilities, confidence: 0, reason: "not-a-digit" };
    }
    const score = (/** @type {number} */ digit) => Math.log(sum) + most - logits[digit]; // -log p, in nats
    const members = calibration ? ranked.filter((digit) => score(digit) <= calibration.surprise) : [];
    const digits = members.length ? members : [ranked[0]];
    return { digit: digits[0], digits, probabilities, confidence: probabilities[digits[0]], reason: "" };
  }

  mnistlab.answer = Object.freeze({ judge });
})();
