"use strict";

/** The same drawing read by two networks of one size: one learned from plain pixels, the other from scrambled ones. */
(() => {
  const mnistlab = (globalThis.mnistlab ??= {});
  const { say, number, share } = mnistlab.language;
  const { part, put, makeBars, showBars, showDigits, words } = mnistlab.view;

  class Twins {
    isOn = false;
    /** @type {Answer[]} */
    #answers = [];
    #asked = 0;

    /** @param {Source} source @param {Data} data */
    constructor(source, data) {
      this.source = source;
      this.data = data;
      for (const k of [0, 1]) makeBars(part(`twin-bars-${k}`));
      part("scramble").hidden = !data.twins;
    }

    /** Read what the page read. @param {Answer | null} answer @returns {Promise<void>} */
    async read(answer) {
      if (!this.isOn) return;
      const asked = (this.#asked += 1);
      const answers = answer?.image && !answer.parts.length ? await this.source.compare(answer.image) : [];
      if (asked !== this.#asked) return; // there is newer ink
      this.#answers = answers;
      this.show();
    }

    show() {
      part("scramble").setAttribute("aria-pressed", String(this.isOn));
      part("twins").hidden = !this.isOn;
      if (!this.isOn) return;
      this.data.twins.forEach((version, k) => this.#showOne(k, version, this.#answers[k] ?? null));
    }

    /** @param {number} k @param {string} version @param {Answer | null} answer */
    #showOne(k, version, answer) {
      const [head, remarks] = words(answer);
      const { permutation, card, name: called } = this.data.versions[version];
      showDigits(part(`twin-digit-${k}`), answer);
      put(part(`twin-sure-${k}`), head);
      put(part(`twin-also-${k}`), remarks.join(", "));
      showBars(part(`twin-bars-${k}`), answer);
      mnistlab.paint.seen(part(`twin-seen-${k}`), answer?.image ? scrambled(answer.image, permutation) : null);
      const { value, n, name } = accuracy(card);
      const judged = { share: share(value), n: number(n), images: say(`images.${name}`) };
      put(part(`twin-of-${k}`), say("twinOf", { version: called, ...judged }));
    }
  }

  /** Pixel i of the scrambled image is pixel order[i] of the other. @param {Uint8Array} image @param {number[] | null} order */
  const scrambled = (image, order) => (order ? image.map((_, i) => image[order[i]]) : image);

  /** The accuracy to show, of images that took no part in training if there were any. @param {Card} card */
  const accuracy = ({ metrics }) => ({ ...(metrics.test ?? metrics.validation), name: metrics.test ? "test" : "validation" });

  mnistlab.twins = Object.freeze({ Twins, scrambled, accuracy });
})();
