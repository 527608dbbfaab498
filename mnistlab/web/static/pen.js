"use strict";

/**
 * Mouse, pen, finger and keyboard on the canvas.
 * @typedef {object} Hand  what happens on them
 * @property {(x: number, y: number) => boolean} press
 * @property {(points: Point[]) => void} move
 * @property {() => void} release
 * @property {(name: "undo" | "redo" | "clear") => void} act
 * @property {(digit: number) => void} mean
 * @property {(isDown: boolean) => void} tell  the pen of the keyboard was put down, or lifted
 * @property {() => void} leave
 */
(() => {
  const mnistlab = (globalThis.mnistlab ??= {});
  const { CANVAS } = mnistlab.drawing;

  const [STEP, SMALL_STEP] = [10, 2]; // px of the canvas
  /** @type {Record<string, [number, number]>} */
  const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

  /** @param {HTMLCanvasElement} canvas @param {Hand} hand */
  function pointer(canvas, hand) {
    /** @type {number | null} */
    let drawing = null; // id of the pointer that is down

    const place = (/** @type {PointerEvent} */ event) => {
      const box = canvas.getBoundingClientRect();
      const scale = CANVAS / box.width;
      return /** @type {Point} */ ([scale * (event.clientX - box.left), scale * (event.clientY - box.top)]);
    };

    canvas.addEventListener("pointerdown", (event) => {
      if (drawing !== null || event.button !== 0 || !event.isPrimary) return;
      const [x, y] = place(event);
      if (!hand.press(x, y)) return;
      drawing = event.pointerId;
      canvas.setPointerCapture(event.pointerId); // a stroke that leaves the canvas goes on
    });
    canvas.addEventListener("pointermove", (event) => {
      if (event.pointerId !== drawing) return;
      const events = event.getCoalescedEvents?.() ?? [];
      hand.move((events.length ? events : [event]).map(place));
    });
    for (const name of /** @type {const} */ (["pointerup", "pointercancel", "lostpointercapture"])) {
      canvas.addEventListener(name, (event) => {
        if (event.pointerId !== drawing) return;
        drawing = null;
        hand.release();
      });
    }
    canvas.addEventListener("contextmenu", (event) => drawing !== null && event.preventDefault());
  }

  /** @param {HTMLCanvasElement} canvas @param {HTMLElement} marker shows where the pen is @param {Hand} hand */
  function keyboard(canvas, marker, hand) {
    let [x, y] = [CANVAS / 2, CANVAS / 2];
    let isDown = false;

    const show = () => {
      marker.style.left = `${(100 * x) / CANVAS}%`;
      marker.style.top = `${(100 * y) / CANVAS}%`;
      marker.dataset.down = String(isDown);
    };
    const put = (/** @type {boolean} */ down) => {
      if (down === isDown) return;
      if (down && !hand.press(x, y)) return;
      isDown = down;
      if (!down) hand.release();
      hand.tell(down);
      show();
    };
    const step = (/** @type {[number, number]} */ [dx, dy], /** @type {number} */ length) => {
      x = Math.min(CANVAS, Math.max(0, x + length * dx));
      y = Math.min(CANVAS, Math.max(0, y + length * dy));
      if (isDown) hand.move([[x, y]]);
      show();
    };
    const act = (/** @type {"undo" | "redo" | "clear"} */ name) => {
      put(false);
      hand.act(name);
    };

    canvas.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const { key } = event;
      if (key in ARROWS) step(ARROWS[key], event.shiftKey ? SMALL_STEP : STEP);
      else if ((key === " " || key === "Enter") && !event.repeat) put(!isDown);
      else if (key === "z" || key === "Z") act(event.shiftKey ? "redo" : "undo");
      else if (key === "Delete" || key === "Backspace") act("clear");
      else if (/^\d$/.test(key)) hand.mean(Number(key));
      else if (key === "Escape") hand.leave();
      else if (key !== " " && key !== "Enter") return;
      event.preventDefault();
    });
    canvas.addEventListener("pointerdown", () => put(false), { capture: true });
    canvas.addEventListener("blur", () => put(false));
    show();
  }

  mnistlab.pen = Object.freeze({ pointer, keyboard });
})();
