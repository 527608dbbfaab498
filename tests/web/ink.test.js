"use strict";

const assert = require("node:assert/strict");
const { createHash } = require("node:crypto");
const { test } = require("node:test");

const { mnistlab, vectors, bytes, distance } = require("./engine.js");
const { fit, ink } = mnistlab;
// Pixel for pixel with the Pillow of constraints.txt; another one may round a grey otherwise.
const APART = Number(process.env.PAGE_LEVELS ?? 0);

test("a line of every direction has Pillow's ink", () => {
  const [middle, reach] = [140, 40];
  const [first, end] = [middle - reach - 13, middle + reach + 14];
  for (const { dx, sha256 } of vectors.lines) {
    const hash = createHash("sha256");
    for (let dy = -reach; dy <= reach; dy += 1) {
      const drawn = ink.draw([[[middle, middle], [middle + dx, middle + dy]]]);
      for (let y = first; y < end; y += 1) hash.update(drawn.subarray(y * ink.CANVAS + first, y * ink.CANVAS + end));
    }
    assert.equal(hash.digest("hex"), sha256, `lines that go ${dx} px across`);
  }
});

test("a long line is drawn in single precision, as Pillow does it", () => {
  for (const { line, sha256 } of vectors.long) {
    assert.equal(createHash("sha256").update(ink.draw([line])).digest("hex"), sha256, `a line from ${line[0]} to ${line[1]}`);
  }
});

test("ink of any size is scaled as Pillow scales it, within one grey", () => {
  const apart = vectors.sizes.map(({ height, width, tall, wide, ink: from, small }) => {
    const made = fit.shrink(bytes(from), { height, width });
    assert.deepEqual([made.height, made.width], [tall, wide]);
    return distance(made.ink, bytes(small));
  });
  assert.ok(Math.max(...apart) <= 1 + APART);
  assert.ok(apart.filter((levels) => levels > APART).length <= 0.02 * apart.length);
});

test("a picture becomes the 28 x 28 that Python makes of its pixels", () => {
  const reasons = new Set();
  for (const { width, height, rgba, image, reason } of vectors.pictures) {
    const read = ink.picture(bytes(rgba), width, height);
    assert.equal(read.reason ?? null, reason);
    if (image) assert.ok(distance(read.image, bytes(image)) <= APART);
    reasons.add(reason);
  }
  assert.deepEqual(reasons, new Set([null, "blank", "photograph"]));
});

test("a picture out of bounds is refused", () => {
  for (const [width, height] of [[7, 28], [28, 7], [12_001, 28], [5000, 5000]]) {
    assert.throws(() => ink.picture({ length: 4 * width * height }, width, height), RangeError);
  }
  assert.throws(() => ink.picture(new Uint8Array(4), 28, 28), /28 x 28 px with 4 bytes/);
});

test("halves are rounded to the even number, as in Python", () => {
  const halves = [0.5, 1.5, 2.5, -0.5, 12.5, 12.4, 12.6, 7];
  assert.deepEqual(halves.map((x) => fit.roundHalfEven(x) + 0), [0, 2, 2, 0, 12, 12, 13, 7]);
});

test("ink without a pixel of it is refused", () => {
  assert.throws(() => ink.fit(new Uint8Array(100), 10, 10), /there is no ink/);
});
