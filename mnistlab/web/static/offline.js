"use strict";

/** On a web host the browser keeps the page, and it opens without a network. A newer one is offered, and comes by a reload. */
(async () => {
  const mnistlab = (globalThis.mnistlab ??= {});
  const { part } = mnistlab.view;
  const { serviceWorker } = navigator;
  if (!serviceWorker || !location.protocol.startsWith("http")) return; // a file is kept where it lies

  const asked = serviceWorker.register("worker.js", { updateViaCache: "none" });
  const registration = await asked.catch(() => serviceWorker.getRegistration()); // without a network, as it was
  if (!registration) return;
  const offer = () => {
    part("renewal").hidden = !(registration.waiting && serviceWorker.controller);
  };
  offer();
  registration.addEventListener("updatefound", () => registration.installing?.addEventListener("statechange", offer));
  part("reload").addEventListener("click", () => {
    serviceWorker.addEventListener("controllerchange", () => location.reload(), { once: true });
    registration.waiting?.postMessage("renew");
  });
})();
