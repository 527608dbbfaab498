"use strict";

/** The engine of the page in Node, and what Python makes of the same drawings: the file that PAGE_VECTORS names. */

const fs = require("node:fs");
const path = require("node:path");

globalThis.crypto ??= require("node:crypto").webcrypto; // Node 18

const STATIC = path.join(__dirname, "../../mnistlab/web/static");
for (const name of ["fit", "paper", "ink", "net", "answer", "segments", "parts", "why"]) require(path.join(STATIC, `${name}.js`));

const file = process.env.PAGE_VECTORS;
if (!file) throw new Error("PAGE_VECTORS names no file; python tools/page_vectors.py FILE makes one");
const vectors = JSON.parse(fs.readFileSync(file, "utf8"));

const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));

/** The greatest difference between two lists of numbers; Infinity if they have not the same length. */
function distance(some, others) {
  if (some.length !== others.length) return Infinity;
  return some.reduce((most, value, k) => Math.max(most, Math.abs(value - others[k])), 0);
}

/** What work in steps comes to. */
function last(steps) {
  let step = steps.next();
  while (!step.done) step = steps.next();
  return step.value;
}

module.exports = { mnistlab: globalThis.mnistlab, vectors, bytes, distance, last };
