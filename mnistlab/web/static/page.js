"use strict";

/**
 * The page: what happens on it, in one place.
 * @typedef {{value: number, low: number, high: number, n: number}} Metric
 * @typedef {{created: string, parameters: number, metrics: Record<string, Metric>}} Card  a part of the manifest
 * @typedef {{doubt: number, sure: number}} Limits  nats, as mnistlab/evaluation/conformal.py has them
 * @typedef {{card: Card, name: string, limits: Limits | null, permutation: number[] | null}} VersionData
 *   with what the engine needs beside it
 * @typedef {{mode: "static" | "served", current: string, twins: string[], versions: Record<string, VersionData>}} Data
 * @typedef {object} Source  where answers come from: the network in this page, or the server
 * @property {(content: Content) => Promise<Answer>} read
 * @property {(image: Uint8Array) => Promise<Answer[]>} compare  by the plain network and the permuted one
 * @property {(content: Content, digit: number, isStale: () => boolean) => Promise<Attribution | null>} why
 * @typedef {object} FeedbackSource
 * @property {() => Promise<any>} ping
 * @property {() => Promise<Card & {version: string}>} manifest  of the version in use
 * @property {(opinion: Opinion) => Promise<any>} send
 * @property {(session: string) => Promise<any>} erase
 * @typedef {Source & FeedbackSource} ServedSource
 */
(() => {
  const mnistlab = (globalThis.mnistlab ??= {});
  const { Drawing } = mnistlab.drawing;
  const { say, number, share, date, fill, switchOver } = mnistlab.language;
  const { part, put, makeBars } = mnistlab.view;

  // They need no words of the server.
  const PLAIN = "busy empty frames gone heic html nothing pdf several tiff token unreadable".split(" ");

  /** @type {Data} */
  const data = JSON.parse(part("data").textContent);
  const drawing = new Drawing();
  const paint = new mnistlab.paint.Paint(part("canvas"), () => repaint());
  /** @type {Answer | null} */
  let answer = null;
  let waiting = () => say("loading");
  let notice = () => "";
  let changes = 0; // of the drawing
  let asked = 0; // changes when the reading began that comes next
  let settled = true; // the answer is of what is drawn now, and the pen is up
  let version = data.current;
  const cards = Object.fromEntries(Object.entries(data.versions).map(([name, of]) => [name, of.card]));
  let isGone = false; // the server, for now
  /** @type {any} a Source, or a ServedSource */
  let source;
  /** @type {any} */
  let [reading, why, twins, feedback] = [null, null, null, null];

  /** What went wrong, in words. @param {any} error of a picture, or of the server */
  function explain({ code = "other", message, values }) {
    if (PLAIN.includes(code)) return say(`error.${code}`);
    if (!values) return say("error.other", { message });
    const written = Object.entries(values).map(([name, value]) => [name, number(value, value % 1 ? 1 : 0)]);
    return say(`error.${code}`, Object.fromEntries(written));
  }

  /** @param {() => string} words  made anew when the language changes */
  function tell(words) {
    notice = words;
    showNotice();
  }

  const trouble = (/** @type {any} */ error) => tell(() => explain(error));

  function showNotice() {
    put(part("notice"), notice());
    part("again").hidden = !isGone;
  }

  function repaint() {
    paint.all(drawing.now, why?.isOn ? why.found : null);
  }

  /** All that can be seen, as things are now. */
  function show() {
    mnistlab.view.show(answer, { settled, waiting: waiting() });
    part("hint").hidden = !drawing.isEmpty;
    part("undo").setAttribute("aria-disabled", String(!drawing.canUndo));
    part("redo").setAttribute("aria-disabled", String(!drawing.canRedo));
    part("clear").setAttribute("aria-disabled", String(drawing.isEmpty));
    why?.show(drawing.now, answer);
    twins?.show();
    feedback?.about(settled ? answer : null, drawing.now);
    showNotice();
  }

  function showCard() {
    const called = say("version", { version: data.versions[version]?.name ?? version });
    put(part("version"), called);
    put(part("card-version"), called);
    const card = cards[version];
    part("card").hidden = !card;
    if (!card) return;
    const { value, low, high, n, name } = mnistlab.twins.accuracy(card);
    const shares = { share: share(value), low: share(low), high: share(high) };
    put(part("card-made"), say("made", { version, date: date(card.created), parameters: number(card.parameters) }));
    put(part("card-accuracy"), say("accuracy", { ...shares, n: number(n), images: say(`images.${name}`) }));
  }

  function showAll() {
    fill();
    part("language").lang = document.documentElement.lang === "en" ? "fr" : "en";
    showCard();
    show();
  }

  /** Something else is drawn. */
  function changed({ isNew = true } = {}) {
    changes += 1;
    settled = false;
    if (isNew) {
      why?.forget();
      repaint();
      if (!isGone) tell(() => "");
    }
    reading?.ask();
    show();
  }

  /** An answer came. @param {Answer | null} read */
  function answered(read) {
    answer = read;
    settled = asked === changes && !drawing.isOpen;
    if (read && read.version !== version) renew(read.version).catch(trouble);
    if (settled || data.mode === "static") twins.read(answer).catch((/** @type {any} */ error) => noTwins(error));
    if (settled) why.explain(drawing.now, answer).catch(trouble);
    show();
  }

  const noTwins = (/** @type {any} */ error) => tell(() => say("error.twins", { message: error.message }));

  /** The server reads with another version now. @param {string} name */
  async function renew(name) {
    version = name;
    showCard();
    if (cards[name]) return;
    const manifest = await source.manifest();
    cards[manifest.version] = manifest;
    showCard();
  }

  /** @param {{code: string, message: string, seconds: number} | null} problem null: it works again */
  function failed(problem) {
    isGone = Boolean(problem?.seconds);
    part("reading").classList.toggle("stale", Boolean(problem));
    tell(() => {
      if (!problem) return say("error.back");
      const { seconds } = problem;
      return seconds ? say("error.next", { message: explain(problem), seconds }) : explain(problem);
    });
  }

  /** @type {Hand} */
  const hand = {
    press: (x, y) => {
      const began = drawing.press(x, y);
      if (began) changed();
      else tell(() => say("full"));
      return began;
    },
    move: (points) => {
      const n = points.filter(([x, y]) => drawing.move(x, y)).length;
      if (!n) return;
      paint.tail(drawing.now.strokes[drawing.now.strokes.length - 1], n);
      changed({ isNew: false });
    },
    release: () => {
      if (drawing.release()) changed({ isNew: false });
    },
    act: (name) => {
      drawing[name]();
      changed();
    },
    mean: (digit) => feedback?.mark(digit),
    tell: (isDown) => put(part("pen-spoken"), say(isDown ? "penDown" : "penUp")),
    leave: () => part("pick").focus(),
  };

  /** @param {FileList | File[] | undefined} files */
  async function load(files) {
    try {
      if (files?.length !== 1) throw new mnistlab.picture.PictureError(files?.length ? "several" : "nothing");
      drawing.load(await mnistlab.picture.open(files[0]));
      changed();
    } catch (error) {
      trouble(error);
    }
  }

  function listen() {
    mnistlab.pen.pointer(part("canvas"), hand);
    mnistlab.pen.keyboard(part("canvas"), part("marker"), hand);
    mnistlab.files.listen(part("pick"), part("file"), part("pad"), load);
    for (const name of /** @type {const} */ (["undo", "redo", "clear"])) {
      part(name).addEventListener("click", () => hand.act(name));
    }
    part("language").addEventListener("click", () => {
      switchOver();
      showAll();
    });
    addEventListener("keydown", (event) => {
      const key = event.key.toLowerCase();
      if (!(event.ctrlKey || event.metaKey) || event.altKey || (key !== "z" && key !== "y")) return;
      hand.act(key === "y" || event.shiftKey ? "redo" : "undo");
      event.preventDefault();
    });
  }

  /** What needs somebody who reads. */
  function listenOnceReady() {
    part("again").addEventListener("click", () => {
      tell(() => say("error.trying"));
      reading.again();
    });
    part("why").addEventListener("click", () => {
      why.isOn = !why.isOn;
      if (settled) why.explain(drawing.now, answer).catch(trouble);
      repaint();
      show();
    });
    part("scramble").addEventListener("click", async () => {
      twins.isOn = !twins.isOn;
      show();
      if (twins.isOn) part("twins").scrollIntoView({ block: "nearest" });
      await twins.read(answer).catch(noTwins);
    });
  }

  async function start() {
    makeBars(part("bars"));
    mnistlab.view.calibrate(Object.fromEntries(Object.entries(data.versions).map(([of, { limits }]) => [of, limits])));
    showAll();
    listen();
    try {
      source = await mnistlab.source.open(data);
    } catch (error) {
      const { message } = /** @type {Error} */ (error);
      waiting = () => "–";
      part("reading").removeAttribute("aria-busy");
      tell(() => say("error.broken", { message }));
      return show();
    }
    waiting = () => "";
    why = new mnistlab.explanation.Explanation(source, () => {
      repaint();
      show();
    });
    twins = new mnistlab.twins.Twins(source, data);
    if (data.mode === "served") feedback = new mnistlab.feedback.Feedback(source, explain);
    const content = () => {
      asked = changes;
      return drawing.isEmpty ? null : drawing.now;
    };
    reading = new mnistlab.reading.Reading(source, content, answered, failed);
    listenOnceReady();
    part("reading").removeAttribute("aria-busy");
    show();
    reading.ask();
  }

  start();
})();
