"use strict";

/**
 * The way of a pen's events to the kernel; none is lost or done twice. `mnistlab/pad/stream.py` is the other end.
 * @typedef {object} Model  of the widget, as anywidget gives it
 * @property {(name: string) => any} get
 * @property {(message: Message) => void} send
 * @property {(event: string, call: (message: {session: string, through: number}) => void) => void} on
 * @property {(event: string, call: (message: {session: string, through: number}) => void) => void} off
 * @typedef {(string | number | boolean)[]} Act  its name, and what belongs to it
 * @typedef {{session: string, number: number, events: Act[]}} Message
 * @typedef {"" | "waiting" | "full" | "lost"} State
 * @typedef {object} KernelLink
 * @property {boolean} isLost
 * @property {boolean} isFull
 * @property {(event: Act) => number} put
 * @property {() => void} close
 */
(() => {
  const mnistlab = (globalThis.mnistlab ??= {});

  const WAIT = 300; // ms without an answer, after which the page says so
  const AGAIN = 2_000; // ms without an answer, after which it sends again; then twice as long each time
  const LONGEST = 30_000; // ms
  const MOST = 5_000; // points that are kept for the kernel
  const HELLO = [250, 1_000]; // ms: by an answer to a page that draws the kernel learns in which thread to serve it

  /** Messages to the kernel: numbered, and kept until it has all up to them. */
  class Link {
    /** @type {Act[]} */
    #batch = []; // events of the next message
    /** @type {Map<number, {message: Message, points: number, at: number}>} */
    #kept = new Map(); // messages by number, with the time at which each was sent first
    #number = 0;
    #points = 0; // in what is kept
    #pause = AGAIN;
    #timers = { frame: 0, late: 0, again: 0 };

    /** @param {Model} model @param {(state: State) => void} tell @param {(number: number) => void} answered */
    constructor(model, tell, answered) {
      this.model = model;
      this.tell = tell;
      this.answered = answered;
      this.isLost = false;
      this.session = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");
      this.hear = (/** @type {{session: string, through: number}} */ message) => {
        if (message.session === this.session) this.#acknowledge(message.through);
      };
      model.on("msg:custom", this.hear);
      this.hellos = HELLO.map((wait) => setTimeout(() => this.send(), wait));
    }

    /** There is no room for more points. */
    get isFull() {
      return this.#points >= MOST;
    }

    /** Send an event, moves with the next frame; the number of the message it goes in. @param {Act} event */
    put(event) {
      const last = this.#batch.at(-1);
      if (event[0] === "move" && last?.[0] === "move") last.push(...event.slice(1));
      else this.#batch.push([...event]);
      const number = this.#number + 1;
      if (event[0] !== "move") this.send();
      else this.#timers.frame ||= requestAnimationFrame(() => this.send());
      return number;
    }

    send() {
      cancelAnimationFrame(this.#timers.frame);
      this.#timers.frame = 0;
      const points = this.#batch.reduce((sum, event) => sum + (event.length >> 1), 0);
      this.#number += 1;
      const message = { session: this.session, number: this.#number, events: this.#batch };
      this.#kept.set(message.number, { message, points, at: performance.now() });
      this.#points += points;
      this.#batch = [];
      this.#deliver(message);
      this.#watch();
      this.#timers.again ||= setTimeout(() => this.#again(), this.#pause);
    }

    close() {
      this.model.off("msg:custom", this.hear);
      cancelAnimationFrame(this.#timers.frame);
      for (const timer of [...this.hellos, this.#timers.late, this.#timers.again]) clearTimeout(timer);
    }

    /** @param {Message} message */
    #deliver(message) {
      try {
        this.model.send(message);
      } catch {
        this.isLost = true; // there is no such widget in the kernel any more
      }
    }

    /** @param {number} number */
    #acknowledge(number) {
      for (const [kept, { points }] of this.#kept) {
        if (kept > number) break;
        this.#kept.delete(kept);
        this.#points -= points;
        this.#pause = AGAIN;
      }
      clearTimeout(this.#timers.again);
      this.#timers.again = this.#kept.size ? setTimeout(() => this.#again(), this.#pause) : 0;
      this.#watch();
      this.answered(number);
    }

    /** A cut connection loses what is under way, and says nothing. */
    #again() {
      for (const { message } of this.#kept.values()) this.#deliver(message);
      this.#pause = Math.min(2 * this.#pause, LONGEST);
      this.#timers.again = this.isLost ? 0 : setTimeout(() => this.#again(), this.#pause);
      this.#watch();
    }

    #watch() {
      clearTimeout(this.#timers.late);
      const [oldest] = this.#kept.values();
      const left = oldest ? WAIT - (performance.now() - oldest.at) : Infinity;
      if (this.isLost) this.tell("lost");
      else if (left <= 0) this.tell(this.isFull ? "full" : "waiting");
      else this.tell("");
      if (left > 0 && oldest) this.#timers.late = setTimeout(() => this.#watch(), left);
    }
  }

  mnistlab.link = Object.freeze({ Link });
})();
