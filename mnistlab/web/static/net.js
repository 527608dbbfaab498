"use strict";

/**
 * The network in the browser: a forward pass over the same weights as in Python, kept as float16.
 *
 * `load` gives a network only once it is proved sound: the hash of its weights, and the answers to the images stored with it.
 * Values lie channels last, and four kernels at a time stand side by side, so that the innermost loop runs straight through
 * memory: it fills the four places that are pooled together for four kernels at once.
 */
(() => {
  /** @type {Engine.Parts} */
  const mnistlab = (globalThis.mnistlab ??= {});

  const SIDE = 28; // px along one edge of an image
  const PIXELS = SIDE * SIDE;
  const CLASSES = 10;
  const KERNEL = 5; // px along one edge of a kernel
  const HIDDEN = 50; // units of a ConvNet between its maps and the classes
  const POOLED = 4; // px along one edge of a map after the second pooling
  const TOLERANCE = 0.02; // of a logit; float16 weights move it by less than half of this

  /** The bytes of a text in base64. @param {string} text */
  function decode(text) {
    const binary = atob(text);
    return Uint8Array.from(binary, (character) => character.charCodeAt(0));
  }

  /** Numbers of half precision (IEEE 754, binary16), little end first. @param {Uint8Array} bytes */
  function fromFloat16(bytes) {
    const numbers = new Float64Array(bytes.length / 2);
    for (let i = 0; i < numbers.length; i += 1) {
      const bits = bytes[2 * i] | (bytes[2 * i + 1] << 8);
      const [exponent, fraction] = [(bits >> 10) & 31, bits & 1023];
      const size = exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024);
      numbers[i] = bits >> 15 ? -size : size;
    }
    return numbers;
  }

  /** The hexadecimal SHA-256 of bytes. @param {Uint8Array<ArrayBuffer>} bytes */
  async function sha256(bytes) {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join("");
  }

  /** Gives the numbers one piece after another. @param {Float64Array} numbers */
  function dealer(numbers) {
    let at = 0;
    return (/** @type {number} */ count) => numbers.subarray(at, (at += count));
  }

  /**
   * Weights of a convolution (kernels, channels, 5, 5) as [four kernels][row][column, channel][kernel], with zeros for what is
   * missing to a whole number of fours.
   * @param {Float64Array} weights @param {number} kernels @param {number} channels @param {number} padded channels with the zeros
   */
  function packKernels(weights, kernels, channels, padded) {
    const packed = new Float64Array(4 * Math.ceil(kernels / 4) * padded * KERNEL * KERNEL);
    for (let k = 0; k < kernels; k += 1) {
      for (let c = 0; c < channels; c += 1) {
        for (let tap = 0; tap < KERNEL * KERNEL; tap += 1) {
          const four = Math.floor(k / 4) * KERNEL * KERNEL * padded;
          packed[4 * (four + tap * padded + c) + (k % 4)] = weights[(k * channels + c) * KERNEL * KERNEL + tap];
        }
      }
    }
    return packed;
  }

  /**
   * A convolution, pooled 2 x 2 and rectified.
   * @param {Float64Array} from side x side x channels @param {number} side @param {number} channels
   * @param {Float64Array} packed @param {Float64Array} bias of all kernels, with zeros @param {Float64Array} to
   */
  function convolve(from, side, channels, packed, bias, to) {
    const kernels = bias.length;
    const pooled = (side - KERNEL + 1) / 2;
    const taps = KERNEL * KERNEL * channels;
    const inputs = new Float64Array(4 * taps);
    const places = new Int32Array(taps);
    for (let y = 0, out = 0; y < pooled; y += 1) {
      for (let x = 0; x < pooled; x += 1, out += kernels) {
        const count = gather(from, side * channels, channels, 2 * (y * side + x) * channels, inputs, places);
        for (let k = 0; k < kernels; k += 4) multiply(inputs, places, count, packed, taps * k, bias, k, to, out + k);
      }
    }
  }

  /**
   * What the four places that are pooled together see through each tap, but for taps where all see 0: two of five, after a ReLU.
   * @param {Float64Array} from @param {number} row values in one @param {number} channels @param {number} corner
   * @param {Float64Array} inputs four of each tap @param {Int32Array} places of the taps among the weights
   * @returns {number} how many taps are left
   */
  function gather(from, row, channels, corner, inputs, places) {
    let count = 0;
    for (let line = 0, place = 0; line < KERNEL; line += 1) {
      const start = corner + line * row;
      for (let at = start; at < start + KERNEL * channels; at += 1, place += 4) {
        const a = from[at];
        const b = from[at + channels];
        const c = from[at + row];
        const d = from[at + row + channels];
        if (a === 0 && b === 0 && c === 0 && d === 0) continue;
        inputs[4 * count] = a;
        inputs[4 * count + 1] = b;
        inputs[4 * count + 2] = c;
        inputs[4 * count + 3] = d;
        places[count] = place;
        count += 1;
      }
    }
    return count;
  }

  /**
   * Four kernels over four places: sixteen sums that stay in registers, and the largest of each kernel's four. All the time goes
   * here, so it is written out.
   * @param {Float64Array} inputs @param {Int32Array} places @param {number} count
   * @param {Float64Array} packed @param {number} base where the weights of these kernels begin
   * @param {Float64Array} bias @param {number} k @param {Float64Array} to @param {number} out
   */
  function multiply(inputs, places, count, packed, base, bias, k, to, out) {
    let a0 = 0, a1 = 0, a2 = 0, a3 = 0, b0 = 0, b1 = 0, b2 = 0, b3 = 0;
    let c0 = 0, c1 = 0, c2 = 0, c3 = 0, d0 = 0, d1 = 0, d2 = 0, d3 = 0;
    for (let tap = 0, i = 0; tap < count; tap += 1, i += 4) {
      const w = base + places[tap];
      const w0 = packed[w];
      const w1 = packed[w + 1];
      const w2 = packed[w + 2];
      const w3 = packed[w + 3];
      const a = inputs[i];
      const b = inputs[i + 1];
      const c = inputs[i + 2];
      const d = inputs[i + 3];
      a0 += a * w0;
      a1 += a * w1;
      a2 += a * w2;
      a3 += a * w3;
      b0 += b * w0;
      b1 += b * w1;
      b2 += b * w2;
      b3 += b * w3;
      c0 += c * w0;
      c1 += c * w1;
      c2 += c * w2;
      c3 += c * w3;
      d0 += d * w0;
      d1 += d * w1;
      d2 += d * w2;
      d3 += d * w3;
    }
    to[out] = Math.max(0, bias[k] + Math.max(a0, b0, c0, d0));
    to[out + 1] = Math.max(0, bias[k + 1] + Math.max(a1, b1, c1, d1));
    to[out + 2] = Math.max(0, bias[k + 2] + Math.max(a2, b2, c2, d2));
    to[out + 3] = Math.max(0, bias[k + 3] + Math.max(a3, b3, c3, d3));
  }

  /** @param {Float64Array} x @param {Engine.Layer} layer @param {boolean} [rectify] */
  function connect(x, { weights, bias }, rectify = true) {
    const y = new Float64Array(bias.length);
    for (let unit = 0, w = 0; unit < y.length; unit += 1) {
      let sum = 0;
      for (let i = 0; i < x.length; i += 1, w += 1) sum += x[i] * weights[w];
      y[unit] = rectify ? Math.max(0, sum + bias[unit]) : sum + bias[unit];
    }
    return y;
  }

  /** @param {Engine.Deal} deal @param {number} inputs @param {number} units @returns {Engine.Layer} */
  const layer = (deal, inputs, units) => ({ weights: deal(inputs * units), bias: deal(units) });

  /** @param {Engine.Deal} deal @param {number} k kernels @returns {Engine.Run} */
  function convNet(deal, k) {
    const padded = 4 * Math.ceil(k / 4);
    const [first, firstBias] = [packKernels(deal(k * KERNEL ** 2), k, 1, 1), new Float64Array(padded)];
    firstBias.set(deal(k));
    const [second, secondBias] = [packKernels(deal(k * k * KERNEL ** 2), k, k, padded), new Float64Array(padded)];
    secondBias.set(deal(k));
    const hidden = layer(deal, k * POOLED * POOLED, HIDDEN);
    hidden.weights = channelsLast(hidden.weights, k, padded);
    const output = layer(deal, HIDDEN, CLASSES);
    const [maps, features] = [new Float64Array(12 * 12 * padded), new Float64Array(POOLED * POOLED * padded)];
    return (x) => {
      convolve(x, SIDE, 1, first, firstBias, maps);
      convolve(maps, 12, padded, second, secondBias, features);
      return connect(connect(features, hidden), output, false);
    };
  }

  /** Weights whose inputs stood channel by channel. @param {Float64Array} weights @param {number} k @param {number} padded */
  function channelsLast(weights, k, padded) {
    const places = POOLED * POOLED;
    const packed = new Float64Array(HIDDEN * places * padded);
    weights.forEach((weight, i) => {
      const [unit, channel, place] = [Math.floor(i / (k * places)), Math.floor(i / places) % k, i % places];
      packed[(unit * places + place) * padded + channel] = weight;
    });
    return packed;
  }

  /** @param {Engine.Deal} deal @param {number} n units @returns {Engine.Run} */
  function fullyConnected(deal, n) {
    const layers = [layer(deal, PIXELS, n), layer(deal, n, n), layer(deal, n, CLASSES)];
    return (x) => layers.reduce((values, each, number) => connect(values, each, number < 2), x);
  }

  /** How to run an architecture, and how many numbers it has. @param {Engine.Architecture} architecture */
  function plan({ name, arguments: sizes }) {
    if (sizes.output_size !== CLASSES) throw new Error(`it tells ${sizes.output_size} classes apart, not ${CLASSES}`);
    if (name === "convnet") {
      const k = sizes.n_kernels;
      const count = KERNEL ** 2 * (k + k * k) + 2 * k + (k * POOLED ** 2 + 1) * HIDDEN + (HIDDEN + 1) * CLASSES;
      return { count, build: (/** @type {Engine.Deal} */ deal) => convNet(deal, k) };
    }
    if (name === "fully-connected") {
      const n = sizes.n_hidden;
      const count = (PIXELS + 1) * n + (n + 1) * n + (n + 1) * CLASSES;
      return { count, build: (/** @type {Engine.Deal} */ deal) => fullyConnected(deal, n) };
    }
    throw new Error(`there is no architecture ${name}`);
  }

  const IDENTITY = Array.from({ length: PIXELS }, (_, pixel) => pixel);

  /** Where each pixel that the network sees comes from. @param {number[] | null} permutation */
  function orderOf(permutation) {
    const order = permutation ?? IDENTITY;
    const given = new Set(order);
    if (order.length !== PIXELS || !IDENTITY.every((pixel) => given.has(pixel))) {
      throw new Error(`its permutation does not hold each of ${PIXELS} pixels once`);
    }
    return order;
  }

  /**
   * A network from the data of a version, once it is proved sound.
   * @param {Engine.VersionData} data
   * @returns {Promise<Engine.Network>}
   * @throws {Error} its weights are not those of its hash, or it answers stored images otherwise than in Python
   */
  async function load(data) {
    const bytes = decode(data.weights);
    const { count, build } = plan(data.architecture);
    if (bytes.length !== 2 * count) throw new Error(`it has ${bytes.length} bytes of weights, not ${2 * count}`);
    const hash = await sha256(bytes);
    if (hash !== data.sha256) {
      throw new Error(`its weights have SHA-256 ${hash.slice(0, 12)}..., not ${data.sha256.slice(0, 12)}...`);
    }
    const order = orderOf(data.permutation);
    const run = build(dealer(fromFloat16(bytes)));
    const { mean, std } = data.normalisation;
    const values = Float64Array.from({ length: 256 }, (_, grey) => (grey / 255 - mean) / std);
    const x = new Float64Array(PIXELS);
    const logits = (/** @type {Uint8Array} */ image) => {
      for (let i = 0; i < PIXELS; i += 1) x[i] = values[image[order[i]]];
      return run(x);
    };
    probe(data.probes, logits);
    return Object.freeze({ version: data.version, calibration: data.calibration, permutation: data.permutation, logits });
  }

  /**
   * The stored images must give the stored answers.
   * @param {Engine.Probes} probes @param {Engine.Network["logits"]} logits
   */
  function probe(probes, logits) {
    let worst = 0;
    probes.images.forEach((text, number) => {
      logits(decode(text)).forEach((logit, k) => {
        worst = Math.max(worst, Math.abs(logit - probes.logits[number][k]));
      });
    });
    if (!(worst <= TOLERANCE)) {
      const distance = worst.toPrecision(3);
      throw new Error(`stored images get other answers than those stored (off by ${distance}, allowed ${TOLERANCE})`);
    }
  }

  mnistlab.net = Object.freeze({ load });
})();
