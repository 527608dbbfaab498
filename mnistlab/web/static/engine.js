"use strict";

/** Answers from the network in this browser. Nothing leaves the page. */
(() => {
  const mnistlab = (globalThis.mnistlab ??= {});
  const { PEN_WIDTH } = mnistlab.drawing;

  // ms of a frame that may go into an explanation, and into a reading: several digits of usual size take one frame
  const [SLICE, READING] = [6, 30];

  /**
   * @param {Data} data @returns {Promise<Source>}
   * rejects with an Error that says what is wrong: a hash, or an answer to a stored image
   */
  async function open(data) {
    const network = await mnistlab.net.load(data.versions[data.current]);
    /** @type {Promise<any[]> | undefined} */
    let twins; // loaded when they are first asked for

    return {
      read: async (content) => {
        const started = performance.now();
        const found = content.picture ? seen(network, content.picture) : await drawn(network, content.strokes);
        return { ...found, version: data.current, milliseconds: performance.now() - started, id: null };
      },
      compare: async (image) => {
        twins ??= Promise.all(data.twins.map((name) => mnistlab.net.load(data.versions[name])));
        const read = (/** @type {any} */ twin, /** @type {number} */ k) => ({ ...one(twin, image), version: data.twins[k] });
        return (await twins).map((twin, k) => ({ ...read(twin, k), milliseconds: 0, id: null }));
      },
      why: async (content, digit, isStale) => {
        const steps = mnistlab.why.attribute(network, content.strokes, PEN_WIDTH, digit);
        return run(steps, SLICE, isStale);
      },
    };
  }

  /**
   * Work in steps, a slice of it in each frame; null if nobody wants it any more.
   * @template T
   * @param {Generator<void, T, void>} steps @param {number} slice ms @param {() => boolean} isStale
   * @returns {Promise<T | null>}
   */
  async function run(steps, slice, isStale) {
    while (!isStale()) {
      const end = performance.now() + slice;
      while (performance.now() < end) {
        const { done, value } = steps.next();
        if (done) return value;
      }
      await new Promise((resume) => requestAnimationFrame(resume));
    }
    return null;
  }

  /** @param {any} network @param {Stroke[]} strokes */
  const drawn = (network, strokes) => run(mnistlab.parts.read(network, strokes, PEN_WIDTH), READING, () => false);

  /** @param {any} network @param {Picture} picture */
  function seen(network, picture) {
    const { data, width, height } = mnistlab.picture.pixels(picture);
    const { image, reason } = mnistlab.paper.picture(data, width, height);
    return image ? one(network, image) : mnistlab.parts.nothing(reason);
  }

  /** One digit, 28 x 28. @param {any} network @param {Uint8Array} image */
  const one = (network, image) => ({ ...mnistlab.answer.judge(network, network.logits(image)), image, parts: [], strays: 0 });

  mnistlab.source = Object.freeze({ open });
})();
