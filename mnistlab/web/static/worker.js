"use strict";

/**
 * Keeps the page for when there is no network. What it keeps is one export, whole: the files that `contents.js` names, under
 * their common hash, so that no old network ever meets a new page. A new export is taken in beside the old one, and waits until
 * the page asks for it.
 */
(() => {
  const worker = /** @type {any} */ (self);
  worker.importScripts("contents.js");
  /** @type {{digest: string, files: string[]}} */
  const { digest, files } = worker.contents;

  const OURS = `mnistlab ${worker.registration.scope} `; // other pages of the same host may keep something too
  const CACHE = OURS + digest;

  worker.addEventListener("install", (/** @type {any} */ event) => event.waitUntil(keep()));
  worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(forgetOthers()));
  worker.addEventListener("message", (/** @type {any} */ event) => event.data === "renew" && worker.skipWaiting());
  worker.addEventListener("fetch", (/** @type {any} */ event) => event.respondWith(answer(event.request)));

  /** All or nothing; "no-cache" asks the host, which need not send again what the page has just loaded. */
  async function keep() {
    const cache = await caches.open(CACHE);
    await cache.addAll(files.map((name) => new Request(name, { cache: "no-cache" })));
  }

  async function forgetOthers() {
    const names = await caches.keys();
    await Promise.all(names.filter((name) => name.startsWith(OURS) && name !== CACHE).map((name) => caches.delete(name)));
  }

  /** @param {Request} request */
  async function answer(request) {
    const cache = await caches.open(CACHE);
    return (await cache.match(request, { ignoreSearch: true })) ?? fetch(request);
  }
})();
