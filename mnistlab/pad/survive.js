"use strict";

/**
 * A drawing outlives the kernel that read it, where the pad has a page of its own (`mnistlab app`): it is kept in the tab, for as
 * long as that is open, and sent to the next kernel when the page is loaded again. Elsewhere the kernel goes on, and sends it.
 */
(() => {
  const mnistlab = (globalThis.mnistlab ??= {});

  /** @param {Model} model @param {KernelLink} link @returns {() => void} what ends it */
  function keep(model, link) {
    if (!("voila" in document.body.dataset)) return () => {};
    const name = `mnistlab:${location.pathname}`;
    const before = sessionStorage.getItem(name);
    if (before && !model.get("drawn")) link.put(["restore", before]);
    const save = () => {
      try {
        sessionStorage.setItem(name, model.get("drawn"));
      } catch {
        sessionStorage.removeItem(name); // there is no room for it
      }
    };
    model.on("change:drawn", save);
    return () => model.off("change:drawn", save);
  }

  mnistlab.survive = Object.freeze({ keep });
})();
