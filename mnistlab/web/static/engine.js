"use strict";

/** Answers from the network in this browser. Nothing leaves the page. */
(() => {
  const mnistlab = (globalThis.mnistlab ??= {});
  const { PEN_WIDTH } = mnistlab.drawing;

  const SLICE = 6; // ms of a frame that may go into an explanation

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
        const { image, reason } = look(content);
        const answer = image ? judge(network, data.current, image) : nothing(data.current, reason);
        return { ...answer, milliseconds: performance.now() - started };
      },
      compare: async (image) => {
        twins ??= Promise.all(data.twins.map((name) => mnistlab.net.load(data.versions[name])));
        return (await twins).map((twin, k) => judge(twin, data.twins[k], image));
      },
      why: async (content, digit, isStale) => {
        const steps = mnistlab.why.attribute(network, content.strokes, PEN_WIDTH, digit);
        while (!isStale()) {
          const end = performance.now() + SLICE;
          while (performance.now() < end) {
            const { done, value } = steps.next();
            if (done) return value;
          }
          await new Promise((resume) => requestAnimationFrame(resume));
        }
        return null;
      },
    };
  }

  /** The 28 x 28 of a drawing or a picture, or why there is none. @param {Content} content */
  function look({ strokes, picture }) {
    if (!picture) return mnistlab.ink.read(strokes, PEN_WIDTH);
    const { data, width, height } = mnistlab.picture.pixels(picture);
    return mnistlab.paper.picture(data, width, height);
  }

  /** @param {any} network @param {string} version @param {Uint8Array} image @returns {Answer} */
  function judge(network, version, image) {
    const judged = mnistlab.answer.judge(network, network.logits(image));
    return { ...judged, image, version, milliseconds: 0, id: null };
  }

  /** @param {string} version @param {string} reason @returns {Answer} */
  const nothing = (version, reason) => ({
    digit: null,
    digits: [],
    probabilities: Array(10).fill(0),
    confidence: 0,
    reason,
    image: null,
    version,
    milliseconds: 0,
    id: null,
  });

  mnistlab.source = Object.freeze({ open });
})();
