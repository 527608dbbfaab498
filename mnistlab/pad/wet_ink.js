"use strict";

/**
 * The ink of the hand on a pad, at once. `mnistlab/pad/wet_ink.py` is the other end.
 * This is a classic script; the kernel adds the line that makes it a module.
 */
(() => {
  const mnistlab = (globalThis.mnistlab ??= {});
  const { CANVAS } = mnistlab.drawing;
  const { through: curveThrough, REACH } = mnistlab.curve;
  const { Link } = mnistlab.link;
  const { furnish, nameParts } = mnistlab.furniture;
  const { keep } = mnistlab.survive;

  const KEYS = /^(Arrow(Left|Right|Up|Down)|[ zZnN0-9]|Delete|Backspace)$/;
  const LABEL = "Sheet to draw a digit on. Arrows move the pen, Space puts it down and lifts it, Escape leaves.";
  const FRESH = 10; // s in which a pad that a cell shows has to be on the page
  const WORDS = {
    waiting: "waiting for the kernel",
    full: "the kernel does not answer; what you drew is kept, but more does not fit",
    lost: "the kernel was restarted: run the cell again",
  };

  /** Ink that the kernel has not painted yet. */
  class Ink {
    /** @type {{points: Stroke, last: number | null}[]} */
    #strokes = []; // last is the number of the message that ends it, null while it is open

    /** @param {HTMLCanvasElement} canvas @param {Model} model */
    constructor(canvas, model) {
      this.canvas = canvas;
      this.model = model;
      this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    }

    /** @param {Point} point */
    begin(point) {
      this.#strokes.push({ points: [point], last: null });
      this.#tell();
      this.#line([point]);
    }

    /** @param {Stroke} points */
    go(points) {
      const stroke = this.#strokes.at(-1);
      if (!stroke || stroke.last !== null) return;
      stroke.points.push(...points);
      const tail = stroke.points.slice(-points.length - REACH);
      this.#line(curveThrough(tail, Math.max(0, tail.length - points.length - 2)));
    }

    /** @param {number} number */
    end(number) {
      const stroke = this.#strokes.at(-1);
      if (stroke && stroke.last === null) stroke.last = number;
    }

    /** What ended in these messages is on the canvas of the kernel, two frames from now at the latest. @param {number} number */
    dry(number) {
      const isDry = (/** @type {{last: number | null}} */ { last }) => last !== null && last <= number;
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
      if (this.canvas.width !== px) this.canvas.width = this.canvas.height = px;
      this.context.setTransform(px / CANVAS, 0, 0, px / CANVAS, 0, 0);
      this.context.clearRect(0, 0, CANVAS, CANVAS);
      for (const { points } of this.#strokes) this.#line(curveThrough(points));
      this.#tell();
    }

    /** The hint goes with the first ink. */
    #tell() {
      this.canvas.parentElement?.toggleAttribute("data-inked", this.#strokes.length > 0);
    }

    /** @param {Stroke} curve */
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

  /** The canvas that takes the pointer, and the words on it. @param {HTMLElement} el */
  function elements(el) {
    el.classList.add("mnistlab-wet");
    const canvas = document.createElement("canvas");
    canvas.tabIndex = 0;
    canvas.setAttribute("role", "application");
    canvas.setAttribute("aria-label", LABEL);
    const hint = document.createElement("p");
    hint.className = "mnistlab-hint";
    hint.setAttribute("aria-hidden", "true");
    hint.textContent = "Draw a digit here";
    const drops = Object.assign(document.createElement("span"), { textContent: " or drop a picture" });
    hint.append(drops);
    const words = document.createElement("div");
    words.className = "mnistlab-wet-words";
    words.setAttribute("role", "status");
    for (const [state, text] of Object.entries(WORDS)) {
      const word = document.createElement("p");
      word.dataset.for = state;
      word.textContent = text;
      words.append(word);
    }
    el.append(canvas, hint, words);
    return canvas;
  }

  /**
   * Keys stop here, or JupyterLab would take them for its own; not those that lead away, and not the shortcuts.
   * @param {HTMLCanvasElement} canvas @param {(key: string, shift: boolean) => void} press
   */
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

  /** @param {{model: Model, el: HTMLElement}} view */
  function render({ model, el }) {
    const canvas = elements(el);
    const ink = new Ink(canvas, model);
    const tell = (/** @type {State} */ state) => {
      if (el.dataset.state !== state) el.dataset.state = state;
    };
    const link = new Link(model, tell, (/** @type {number} */ number) => ink.dry(number));
    const round = (/** @type {Point} */ [x, y]) => /** @type {Point} */ ([Math.round(100 * x) / 100, Math.round(100 * y) / 100]);

    const isOpen = () => {
      if (link.isLost || el.closest(".jupyter-widgets-disconnected")) tell("lost");
      else if (link.isFull) tell("full");
      else return true;
      return false;
    };
    const act = (/** @type {string} */ which) => {
      if (!isOpen()) return;
      if (which === "undo") ink.undo();
      if (which === "clear" || which === "next") ink.clear();
      link.put([which]);
    };
    const file = (/** @type {string} */ content) => {
      if (!isOpen()) return;
      ink.clear();
      link.put(["file", content]);
    };
    mnistlab.pen.pointer(canvas, {
      press(/** @type {number} */ x, /** @type {number} */ y) {
        if (!isOpen()) return false;
        ink.begin(round([x, y]));
        link.put(["press", ...round([x, y])]);
        return true;
      },
      move(/** @type {Stroke} */ points) {
        if (link.isFull) return;
        const rounded = points.map(round);
        ink.go(rounded);
        link.put(["move", ...rounded.flat()]);
      },
      release: () => ink.end(link.put(["release"])),
    });
    listenToKeys(canvas, (key, shift) => {
      if (key === "z" || key === "Z") act(shift ? "redo" : "undo");
      else if (key === "n" || key === "N") act("next");
      else if (key === "Delete" || key === "Backspace") act("clear");
      else if (isOpen()) link.put(["key", key, shift]);
    });
    return arrange(el, canvas, model, { ink, link, act, file });
  }

  /**
   * Run All has led down to the last cell before the pad is there: back to it, unless it is in sight.
   * @param {HTMLCanvasElement} canvas
   */
  function come(canvas) {
    const { top, bottom } = canvas.getBoundingClientRect();
    if (bottom > 0 && top < innerHeight) return;
    const isTyping = document.activeElement?.matches("input, textarea, [contenteditable=true]");
    if (!isTyping) canvas.focus({ preventScroll: true });
    canvas.closest(".mnistlab-pad")?.scrollIntoView({ block: "nearest" });
  }

  /**
   * What stands around the canvas; gives what undoes it.
   * @param {HTMLElement} el @param {HTMLCanvasElement} canvas @param {Model} model
   * @param {{ink: Ink, link: KernelLink, act: (name: string) => void, file: (content: string) => void}} parts
   */
  function arrange(el, canvas, model, { ink, link, act, file }) {
    const gone = new AbortController();
    furnish(el, { act, file }, gone.signal);
    const below = (/** @type {boolean} */ inert) => {
      const sheet = el.parentElement?.querySelector(".mnistlab-sheet");
      if (sheet instanceof HTMLElement) sheet.inert = inert;
    };
    const settle = () => {
      below(true); // what lies below is not to be reached with Tab
      const pad = el.closest(".mnistlab-pad");
      if (pad instanceof HTMLElement) nameParts(pad);
    };
    for (const event of ["focus", "pointerenter"]) canvas.addEventListener(event, settle);
    const sized = new ResizeObserver(() => {
      settle();
      ink.paint();
    });
    sized.observe(canvas);
    const isFresh = Math.abs(Date.now() / 1000 - model.get("shown")) < FRESH;
    if (isFresh) requestAnimationFrame(() => come(canvas));
    const forget = keep(model, link);
    const repaint = () => ink.paint();
    model.on("change:pen_width", repaint);
    return () => {
      gone.abort();
      sized.disconnect();
      model.off("change:pen_width", repaint);
      forget();
      link.close();
      below(false);
    };
  }

  mnistlab.wetInk = Object.freeze({ render });
})();
