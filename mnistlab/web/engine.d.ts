/** The one global of the page: each script adds a frozen part of its own. */
declare var mnistlab: any;

/** Types of the parts that read. Points are px of the 280 x 280 canvas; ink is row by row, 0 paper, 255 ink. */
declare namespace Engine {
  type Point = [number, number];
  type Stroke = Point[];
  type Size = { height: number; width: number };
  type Bounds = Size & { top: number; left: number };
  type Small = Size & { ink: Uint8Array };
  type Filter = { reach: number; at: (x: number) => number };
  type Piece = { stroke: number; start: number; end: number };
  type Layer = { weights: Float64Array; bias: Float64Array };
  type Deal = (count: number) => Float64Array;
  type Run = (x: Float64Array) => Float64Array;

  type Calibration = { surprise: number; confidence: number };
  type Probes = { images: string[]; logits: number[][] };
  type Architecture = { name: string; arguments: Record<string, number> };
  type VersionData = {
    version: string;
    architecture: Architecture;
    weights: string;
    sha256: string;
    normalisation: { mean: number; std: number };
    permutation: number[] | null;
    calibration: Calibration | null;
    probes: Probes;
  };
  type Network = {
    readonly version: string;
    readonly calibration: Calibration | null;
    readonly permutation: number[] | null;
    readonly logits: (image: Uint8Array) => Float64Array;
  };
  type Answer = {
    digit: number | null;
    digits: number[];
    probabilities: number[];
    confidence: number;
    reason: "" | "not-a-digit";
  };
  type Box = { left: number; top: number; right: number; bottom: number };
  type Part = { members: number[]; box: Box };
  type Reading = {
    digit: number | null;
    digits: number[];
    probabilities: number[];
    confidence: number;
    reason: string;
    image: Uint8Array | null;
    parts: (Answer & { box: Box; line: number })[];
    strays: number;
  };
  type Attribution = { digit: number | null; pieces: Stroke[]; weights: number[] };

  type Parts = {
    fit: {
      SIDE: number;
      bounds: (ink: Uint8Array, height: number, width: number) => Bounds | null;
      crop: (ink: Uint8Array, width: number, part: Bounds) => Uint8Array;
      shrink: (ink: Uint8Array, size: Size) => Small;
      centre: (small: Small) => { top: number; left: number };
      place: (small: Small, at: { top: number; left: number }) => Uint8Array;
      fit: (ink: Uint8Array, height: number, width: number) => Uint8Array;
      roundHalfEven: (x: number) => number;
    };
    paper: {
      picture: (
        rgba: Uint8Array | Uint8ClampedArray,
        width: number,
        height: number,
      ) => { image: Uint8Array } | { reason: "blank" | "photograph" };
    };
    ink: {
      CANVAS: number;
      PEN_WIDTH: number;
      RADIUS: number;
      check: (strokes: Stroke[]) => Stroke[];
      isDot: (strokes: Stroke[], penWidth: number) => boolean;
      clip: (strokes: Stroke[]) => Stroke[];
      toStandardSize: (strokes: Stroke[]) => Stroke[];
      draw: (strokes: Stroke[]) => Uint8Array;
      look: (strokes: Stroke[]) => Uint8Array;
      fit: (ink: Uint8Array, height: number, width: number) => Uint8Array;
      picture: Parts["paper"]["picture"];
    };
    net: { load: (data: VersionData) => Promise<Network> };
    answer: { judge: (network: { calibration: Calibration | null }, logits: Float64Array) => Answer };
    segments: {
      OVERLAP: number;
      boxOf: (stroke: Stroke) => Box;
      join: (...pieces: Part[]) => Part;
      gap: (a: Box, b: Box) => number;
      sharedHeight: (a: Box, b: Box) => number;
      strays: (boxes: Box[]) => number[];
      lines: (boxes: Box[]) => Part[][];
    };
    parts: {
      isOne: (left: Box, right: Box, probabilities: number[][]) => boolean;
      nothing: (reason: string) => Reading;
      read: (network: Network, strokes: Stroke[], penWidth?: number) => Generator<void, Reading, void>;
    };
    why: {
      attribute: (
        network: Network,
        strokes: Stroke[],
        penWidth?: number,
        chosen?: number,
      ) => Generator<void, Attribution, void>;
    };
  };
}
