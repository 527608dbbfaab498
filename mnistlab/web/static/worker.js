"use strict";

/** Keeps the page for when there is no network: what was loaded last answers if the web host does not. */
(() => {
  const worker = /** @type {any} */ (self);
  const CACHE = "mnistlab";

  worker.addEventListener("install", () => worker.skipWaiting());
  worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(worker.clients.claim()));
  worker.addEventListener("message", (/** @type {any} */ event) => {
    event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(event.data)));
  });
  worker.addEventListener("fetch", (/** @type {any} */ event) => event.respondWith(answer(event.request)));

  /** @param {Request} request */
  async function answer(request) {
    const cache = await caches.open(CACHE);
    try {
      const response = await fetch(request);
      if (response.ok) await cache.put(request, response.clone());
      return response;
    } catch (error) {
      const kept = await cache.match(request);
      if (kept) return kept;
      throw error;
    }
  }
})();
