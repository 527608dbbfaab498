"use strict";

/** Reads what is drawn: at most once a frame, one reading at a time, and always the newest ink at the end. */
(() => {
  const mnistlab = (globalThis.mnistlab ??= {});

  const WAITS = [1, 2, 4, 8, 15]; // s between tries while the server is gone

  class Reading {
    #frame = 0;
    #busy = false;
    #wanted = false;
    #tries = 0;
    #timer = 0;

    /**
     * @param {Source & Partial<FeedbackSource>} source @param {() => Content | null} content null if there is nothing to read
     * @param {(answer: Answer | null, of: Content | null) => void} told
     * @param {(trouble: {code: string, message: string, seconds: number} | null) => void} failed null: it works again
     */
    constructor(source, content, told, failed) {
      this.source = source;
      this.content = content;
      this.told = told;
      this.failed = failed;
    }

    /** Something else is drawn. */
    ask() {
      this.#wanted = true;
      if (this.#frame || this.#busy || this.#timer) return;
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0;
        this.#run();
      });
    }

    /** Try a server that is gone once more, now. */
    again() {
      clearTimeout(this.#timer);
      this.#timer = 0;
      this.#run();
    }

    async #run() {
      const content = this.content();
      this.#busy = true;
      this.#wanted = false;
      try {
        if (!content && this.#tries) await this.source.ping?.();
        const answer = content ? await this.source.read(content) : null;
        if (this.#tries) this.failed(null);
        this.#tries = 0;
        this.told(answer, content);
      } catch (error) {
        this.#fail(/** @type {any} */ (error));
      }
      this.#busy = false;
      if (this.#wanted) this.ask();
    }

    /** @param {{code?: string, message: string, wait?: number}} error */
    #fail({ code = "other", message, wait }) {
      let seconds = 0;
      if (code === "gone" || code === "busy") {
        seconds = wait ?? WAITS[Math.min(this.#tries, WAITS.length - 1)];
        this.#timer = setTimeout(() => this.again(), 1000 * seconds);
      }
      this.#tries += 1;
      this.failed({ code, message, seconds });
    }
  }

  mnistlab.reading = Object.freeze({ Reading });
})();
