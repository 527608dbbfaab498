"use strict";

/**
 * What a person says about a reading. The drawing goes along only while the box is ticked.
 * @typedef {object} Opinion
 * @property {string} id  of the answer
 * @property {"right" | "wrong" | null} verdict  null takes back what was said
 * @property {number | null} digit  what it is
 * @property {string | null} comment
 * @property {string | null} consent  version of the text that was agreed to
 * @property {string} [session]  under which this page keeps drawings, until it erases them
 * @property {Stroke[]} [strokes]
 * @property {number} [pen_width]
 */
(() => {
  const mnistlab = (globalThis.mnistlab ??= {});
  const { PEN_WIDTH } = mnistlab.drawing;
  const { say, aDigit } = mnistlab.language;
  const { part, put } = mnistlab.view;

  const NAME_LENGTH = 32;

  class Feedback {
    #session = newName();
    /** @type {Set<string>} */
    #kept = new Set(); // ids of answers whose drawings are kept
    /** @type {number | null} */
    #meant = null;
    /** @type {() => string} */
    #note = () => "";
    #earlier = () => ""; // what came of a name that was given
    /** @type {Answer | null} */
    #answer = null;
    /** @type {Content | null} */
    #content = null;

    /** @param {ServedSource} source @param {(error: unknown) => string} explain what went wrong, in words */
    constructor(source, explain) {
      this.source = source;
      this.explain = explain;
      for (let digit = 0; digit < 10; digit += 1) {
        const chip = document.createElement("button");
        chip.type = "button";
        chip.textContent = String(digit);
        chip.addEventListener("click", () => this.mark(digit));
        part("chips").append(chip);
      }
      part("yes").addEventListener("click", () => this.mark(this.#answer?.digit ?? null));
      part("keep").addEventListener("change", () => this.#agree());
      part("erase").addEventListener("click", () => this.#erase());
      part("comment").addEventListener("change", () => this.#meant !== null && this.#say(this.#meant));
      part("earlier").addEventListener("submit", (/** @type {Event} */ event) => {
        event.preventDefault();
        this.#eraseEarlier(part("earlier-name").value.trim().toLowerCase());
      });
    }

    /** Another reading; null if it is not finished, or there is none. @param {Answer | null} answer @param {Content} content */
    about(answer, content) {
      if (answer?.id !== this.#answer?.id) {
        this.#meant = null;
        this.#note = () => "";
        part("comment").value = ""; // it was about the drawing before
      }
      [this.#answer, this.#content] = [answer, content];
      this.show();
    }

    /** The drawing is this digit; said once more, it is taken back. @param {number | null} digit */
    async mark(digit) {
      if (!this.#answer?.image || digit === null) return;
      await this.#say(digit === this.#meant ? null : digit);
    }

    /** @param {number | null} digit null: nothing is said any more */
    async #say(digit) {
      const [answer, content] = [this.#answer, this.#content];
      if (!answer?.id || !content) return;
      this.#meant = digit;
      const verdict = digit === null ? null : digit === answer.digit ? "right" : "wrong";
      const keeps = verdict !== null && part("keep").checked && !content.picture;
      /** @type {Opinion} */
      const opinion = { id: answer.id, verdict, digit, comment: null, consent: null };
      const comment = part("comment").value.trim();
      if (keeps) {
        const drawn = { strokes: content.strokes, pen_width: PEN_WIDTH };
        const consent = say("consent.version");
        Object.assign(opinion, { consent, session: this.#session, comment: comment || null, ...drawn });
      }
      try {
        await this.source.send(opinion);
        if (keeps) this.#kept.add(answer.id);
        else this.#kept.delete(answer.id);
        const count = this.#kept.size;
        const saved = verdict === null ? "takenBack" : part("keep").checked ? "keptNo" : "counted";
        this.#note = () => (keeps ? say("kept", { count }) : say(saved));
      } catch (error) {
        this.#meant = null;
        this.#note = () => say("notSent", { message: this.explain(error) });
      }
      this.show();
    }

    show() {
      const { checked } = part("keep");
      part("yes").setAttribute("aria-disabled", String(!this.#answer?.image || this.#answer.digit === null));
      const meant = this.#answer?.image ? this.#meant : null;
      part("yes").setAttribute("aria-pressed", String(meant !== null && meant === this.#answer?.digit));
      for (const [digit, chip] of [...part("chips").children].entries()) {
        chip.setAttribute("aria-label", say("itIs", { digit: aDigit(digit) }));
        chip.setAttribute("aria-disabled", String(!this.#answer?.image));
        chip.setAttribute("aria-pressed", String(meant === digit));
      }
      part("erase").hidden = !checked && !this.#kept.size;
      part("keeping").hidden = part("erase").hidden;
      put(part("session"), this.#session);
      put(part("feedback-note"), this.#note());
      put(part("earlier-note"), this.#earlier());
    }

    /** The box was ticked or not: what is marked on the canvas counts as marked now. */
    async #agree() {
      const { checked } = part("keep");
      this.#note = () => say(checked ? "keepOn" : "keepOff");
      if (checked && this.#meant !== null) await this.#say(this.#meant);
      this.show();
    }

    async #erase() {
      try {
        if (this.#kept.size) await this.source.erase(this.#session);
        this.#kept.clear();
        this.#session = newName();
        part("keep").checked = false;
        this.#note = () => say("erased");
      } catch (error) {
        this.#note = () => say("notErased", { message: this.explain(error) });
      }
      this.show();
    }

    /** Nobody but who was shown a name can give it. @param {string} name */
    async #eraseEarlier(name) {
      if (name.length !== NAME_LENGTH) this.#earlier = () => say("noName", { count: name.length });
      else if (!/^[0-9a-f]*$/.test(name)) this.#earlier = () => say("badName");
      else {
        try {
          const count = (await this.source.erase(name)).erased;
          if (name === this.#session) this.#kept.clear();
          const words = ["erasedNone", "erasedOne"][count] ?? "erasedEarlier";
          this.#earlier = () => say(words, { count });
        } catch (error) {
          this.#earlier = () => say("notErased", { message: this.explain(error) });
        }
      }
      this.show();
    }
  }

  /** A random name that says nothing about anybody: 32 hexadecimal digits. */
  function newName() {
    const bytes = crypto.getRandomValues(new Uint8Array(NAME_LENGTH / 2));
    return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  mnistlab.feedback = Object.freeze({ Feedback });
})();
