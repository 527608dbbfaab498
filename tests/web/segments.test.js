"use strict";

const assert = require("node:assert/strict");
const { test } = require("node:test");

const { mnistlab, vectors } = require("./engine.js");
const { segments } = mnistlab;

const box = (left, top, right, bottom) => ({ left, top, right, bottom });

test("boxes are strays, lines and pieces as in Python", () => {
  for (const { boxes, strays, lines } of vectors.layouts) {
    assert.deepEqual(segments.strays(boxes), strays);
    assert.deepEqual(segments.lines(boxes).map((line) => line.map((piece) => piece.members)), lines);
  }
  assert.ok(vectors.layouts.some(({ strays }) => strays.length));
  assert.ok(vectors.layouts.some(({ lines }) => lines.length > 1));
});

test("a tap far from a digit is stray, and one close to it is not", () => {
  const digit = box(100, 50, 180, 200);
  assert.deepEqual(segments.strays([digit, box(5, 270, 7, 272)]), [1]);
  assert.deepEqual(segments.strays([digit, box(184, 120, 188, 124)]), []);
  assert.deepEqual(segments.strays([digit]), []);
  assert.deepEqual(segments.strays([box(5, 5, 5, 5), box(99, 99, 99, 99)]), []);
});

test("a stroke's box holds all of its points", () => {
  assert.deepEqual(segments.boxOf([[3, 9], [7, 1], [5, 4]]), box(3, 1, 7, 9));
});
