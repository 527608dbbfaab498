"use strict";

/**
 * The ink of the hand on a pad, at once, and the way it takes to the kernel. `mnistlab/pad/wet_ink.py` is the other end.
 * This is a classic script; the kernel adds the line that makes it a module.
 */
(() => {
  const mnistlab = (globalThis.mnistlab ??= {});
  const { CANVAS } = mnistlab.drawing;
  const { through: curveThrough, REACH } = mnistlab.curve;

  const WAIT = 300; // ms without an answer, after which the page says so
  const AGAIN = 2_000; // ms without an answer, after which it sends again; then twice as long each time
  const LONGEST = 30_000; // ms
  const MOST = 5_000; // points that are kept for the kernel
  const HELLO = [250, 1_000]; // ms: by an answer to a page that draws the kernel learns in which thread to serve it
  const KEYS = /^(Arrow(Left|Right|Up|Down)|[ zZ0-9]|Delete|Backspace)$/;
  const WORDS = {
    waiting: "waiting for the kernel",
    full: "the kernel does not answer; what you drew is kept, but more does not fit",
    lost: "the kernel was restarted: run the cell again",
  };

  /** Messages to the kernel: numbered, and kept until it has all up to them. */
  class Link {
    #batch = []; // events of the next message
    #kept = new Map(); // messages by number, with the time at which each was sent first
    #number = 0;
    #points = 0; // in what is kept
    #pause = AGAIN;
    #timers = { frame: 0, late: 0, again: 0 };

    constructor(model, tell, answered) {
      [this.model, this.tell, this.answered] = [model, tell, answered];
      this.isLost = false;
      this.session = Array.from(crypto.getRandomValues(new Uint32Array(4)), (part) => part.toString(36)).join("-");
      this.hear = (message) => message.session === this.session && this.#acknowledge(message.through);
      model.on("msg:custom", this.hear);
      this.hellos = HELLO.map((wait) => setTimeout(() => this.send(), wait));
    }

    /** There is no room for more points. */
    get isFull() {
      return this.#points >= MOST;
    }

    /** Send an event, moves with the next frame; the number of the message it goes in. */
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

    #deliver(message) {
      try {
        this.model.send(message);
      } catch {
        this.isLost = true; // there is no such widget in the kernel any more
      }
    }

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

  /** Ink that the kernel has not painted yet. */
  class Ink {
    #strokes = []; // {points, last}: last is the number of the message that ends it, null while it is open

    constructor(canvas, model) {
      [this.canvas, this.model] = [canvas, model];
      this.context = canvas.getContext("2d");
    }

    begin(point) {
      this.#strokes.push({ points: [point], last: null });
      this.#line([point]);
    }

    go(points) {
      const stroke = this.#strokes.at(-1);
      if (!stroke || stroke.last !== null) return;
      stroke.points.push(...points);
      const tail = stroke.points.slice(-points.length - REACH);
      this.#line(curveThrough(tail, Math.max(0, tail.length - points.length - 2)));
    }

    end(number) {
      const stroke = this.#strokes.at(-1);
      if (stroke && stroke.last === null) stroke.last = number;
    }

    /** What ended in these messages is on the canvas of the kernel, two frames from now at the latest. */
    dry(number) {
      const isDry = ({ last }) => last !== null && last <= number;
      if (!this.#strokes.some(isDry)) return;
      requestAnimationFrame(() =>
        requestAnimationFrame(() => {
          this.#strokes = this.#strokes.filter((stroke) => !isDry(stroke));
          this.paint();
        }),
      );
    }

    undo() {
      this.#strokes.pop();
      this.paint();
    }

    clear() {
      this.#strokes = [];
      this.paint();
    }

    /** Everything anew, as large as the canvas is now. */
    paint() {
      const px = Math.max(1, Math.round(this.canvas.clientWidth * Math.max(2, devicePixelRatio)));
      this.canvas.width = this.canvas.height = px; // this empties it
      this.context.scale(px / CANVAS, px / CANVAS);
      for (const { points } of this.#strokes) this.#line(curveThrough(points));
    }

    #line(curve) {
      const { context } = this;
      context.strokeStyle = this.model.get("colour");
      context.lineWidth = this.model.get("pen_width");
      context.lineCap = context.lineJoin = "round";
      context.beginPath();
      context.moveTo(...curve[0]);
      for (const point of curve) context.lineTo(...point);
      context.stroke();
    }
  }

  /** The canvas that takes the pointer, and the words on it. */
  function elements(el) {
    el.classList.add("mnistlab-wet");
    const canvas = document.createElement("canvas");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-label", "Sheet to draw a digit on. Arrows move the pen, Space puts it down and lifts it");
    const words = document.createElement("div");
    words.className = "mnistlab-wet-words";
    words.setAttribute("role", "status");
    for (const [state, text] of Object.entries(WORDS)) {
      const word = document.createElement("p");
      word.dataset.for = state;
      word.textContent = text;
      words.append(word);
    }
    el.append(canvas, words);
    return canvas;
  }

  /** Keys stop here, or JupyterLab would take them for its own; not those that lead away, and not the shortcuts. */
  function listenToKeys(canvas, press) {
    canvas.addEventListener("keydown", (event) => {
      const { key } = event;
      if (key === "Escape") canvas.blur();
      const isShortcut = event.altKey || ((event.ctrlKey || event.metaKey) && key !== "z");
      if (key === "Tab" || key === "Escape" || isShortcut) return;
      event.stopPropagation();
      if (!KEYS.test(key)) return;
      event.preventDefault();
      press(key, event.shiftKey);
    });
  }

  function render({ model, el }) {
    const canvas = elements(el);
    const ink = new Ink(canvas, model);
    const tell = (state) => (el.dataset.state = state);
    const link = new Link(model, tell, (number) => ink.dry(number));
    const round = (value) => Math.round(100 * value) / 100; // px

    const isOpen = () => {
      if (link.isLost || el.closest(".jupyter-widgets-disconnected")) tell("lost");
      else if (link.isFull) tell("full");
      else return true;
      return false;
    };
    const act = (name) => {
      if (!isOpen()) return;
      ink[name]();
      link.put([name]);
    };
    mnistlab.pen.pointer(canvas, {
      press(x, y) {
        if (!isOpen()) return false;
        ink.begin([round(x), round(y)]);
        link.put(["press", round(x), round(y)]);
        return true;
      },
      move(points) {
        const rounded = points.map((point) => point.map(round));
        ink.go(rounded);
        link.put(["move", ...rounded.flat()]);
      },
      release: () => ink.end(link.put(["release"])),
    });
    listenToKeys(canvas, (key, shift) => {
      if (key === "z" || key === "Z") act("undo");
      else if (key === "Delete" || key === "Backspace") act("clear");
      else if (isOpen()) link.put(["key", key, shift]);
    });
    return arrange(el, canvas, model, { ink, link, act });
  }

  /** What stands around the canvas; gives what undoes it. */
  function arrange(el, canvas, model, { ink, link, act }) {
    const gone = new AbortController();
    // By way of the buttons' own messages, Undo and Clear could overtake a stroke.
    const click = (event) => {
      const button = event.target.closest?.(".mnistlab-undo, .mnistlab-clear");
      if (!button || button.closest(".mnistlab-pad") !== el.closest(".mnistlab-pad")) return;
      event.stopPropagation();
      event.preventDefault();
      act(button.classList.contains("mnistlab-undo") ? "undo" : "clear");
    };
    document.addEventListener("click", click, { capture: true, signal: gone.signal });
    const below = (inert) => {
      for (const sheet of el.parentElement?.querySelectorAll(".mnistlab-sheet") ?? []) sheet.inert = inert;
    };
    for (const name of ["focus", "pointerenter"]) canvas.addEventListener(name, () => below(true));
    const sized = new ResizeObserver(() => {
      below(true); // what lies below is not to be reached with Tab
      ink.paint();
    });
    sized.observe(canvas);
    const repaint = () => ink.paint();
    model.on("change:pen_width", repaint);
    return () => {
      gone.abort();
      sized.disconnect();
      model.off("change:pen_width", repaint);
      link.close();
      below(false);
    };
  }

  mnistlab.wetInk = Object.freeze({ render });
})();
