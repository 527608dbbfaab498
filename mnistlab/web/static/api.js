"use strict";

/** Answers from the server that sent this page, and feedback to it. */
(() => {
  const mnistlab = (globalThis.mnistlab ??= {});
  const { CANVAS, PEN_WIDTH } = mnistlab.drawing;

  const TIMEOUT = 10_000; // ms until a server that says nothing counts as gone
  const GONE = [502, 504]; // what a proxy says for a server that is gone
  const BUSY = [429, 503];
  const REFUSED = [401, 403];

  /** The server's words for having read no digit, and the keys of ours. */
  const REASONS = Object.freeze({
    "the canvas is empty": "empty",
    "that is only a dot": "dot",
    "it does not look like a digit": "not-a-digit",
    "the picture is empty: nothing stands out from its paper": "blank",
    "there is no digit with paper around it: what stands out lies at the edge of the picture, or is too small": "rim",
  });

  /** How many stray marks were left out, by the server's note. @param {string} note */
  const strays = (note) => (note === "a stray mark was left out" ? 1 : Number.parseInt(note, 10) || 0);

  /** What went wrong: a code, and a message of the server's. */
  class ApiError extends Error {
    /** @param {string} code @param {string} message @param {number} [wait] s until another try makes sense */
    constructor(code, message, wait) {
      super(message);
      this.code = code;
      this.wait = wait;
    }
  }

  /** @type {string | null} */
  let token = null;

  /** The fragment of an address never reaches a server, nor a log. Another one, as of a link within the page, holds no token. */
  function takeToken() {
    token = new URLSearchParams(location.hash.slice(1)).get("token") ?? token;
  }

  /**
   * @param {string} path @param {string} [method] @param {Blob | object} [body] as JSON, but for a Blob
   * @returns {Promise<any>} rejects with an ApiError
   */
  async function call(path, method = "GET", body = undefined) {
    /** @type {Record<string, string>} */
    const headers = {};
    if (body) headers["Content-Type"] = body instanceof Blob ? body.type || "application/octet-stream" : "application/json";
    if (token) headers.Authorization = `Bearer ${token}`;
    const content = body && !(body instanceof Blob) ? JSON.stringify(body) : body;
    let response;
    try {
      response = await fetch(path, { method, headers, body: content, signal: AbortSignal.timeout(TIMEOUT) });
    } catch (error) {
      throw new ApiError("gone", String(error));
    }
    if (GONE.includes(response.status)) throw new ApiError("gone", response.statusText);
    if (BUSY.includes(response.status)) throw new ApiError("busy", "", Number(response.headers.get("Retry-After")) || 1);
    const answer = await response.json().catch(() => ({}));
    if (REFUSED.includes(response.status)) throw new ApiError("token", answer.message ?? "");
    if (!response.ok) throw new ApiError(answer.code ?? "other", answer.message ?? response.statusText);
    return answer;
  }

  /** @param {string} query @param {Blob | object} body @returns {Promise<Answer>} */
  async function predict(query, body) {
    const answer = await call(`api/v1/predict?${query}`, "POST", body);
    const reason = /** @type {Record<string, string>} */ (REASONS)[answer.reason] ?? answer.reason;
    const image = answer.image?.some(Boolean) ? Uint8Array.from(answer.image) : null;
    return { ...answer, reason, image, parts: answer.digits_found ?? [], strays: strays(answer.note ?? "") };
  }

  /** @param {Content} content */
  const drawn = ({ strokes, picture }) => picture?.file ?? { strokes, pen_width: PEN_WIDTH, canvas: CANVAS };

  /** @param {Data} data @returns {Promise<ServedSource>} */
  async function open(data) {
    takeToken();
    addEventListener("hashchange", takeToken);
    return {
      read: (content) => predict("include=image", drawn(content)),
      compare: (image) =>
        Promise.all(data.twins.map((name) => predict(`include=image&version=${name}`, { image: Array.from(image) }))),
      why: async (content) => (await call("api/v1/predict?include=why", "POST", drawn(content))).why,
      ping: () => call("health"),
      manifest: async () => (await call("api/info")).manifest,
      send: (opinion) => call("api/v1/feedback", "POST", opinion),
      erase: (session) => call(`api/v1/feedback?session=${session}`, "DELETE"),
    };
  }

  mnistlab.source = Object.freeze({ open, ApiError, REASONS });
})();
