"use strict";

/** Picture files: chosen, dropped anywhere on the page, or pasted. */
(() => {
  const mnistlab = (globalThis.mnistlab ??= {});

  /**
   * @param {HTMLElement} button @param {HTMLInputElement} input @param {HTMLElement} page tells while a file is over it
   * @param {(files: FileList | undefined) => void} load
   */
  function listen(button, input, page, load) {
    button.addEventListener("click", () => input.click());
    input.addEventListener("change", async () => {
      await load(input.files ?? undefined);
      input.value = ""; // the same file may be chosen again
    });
    addEventListener("dragover", (event) => {
      event.preventDefault(); // else the browser would open the file in place of the page
      page.classList.add("drop");
    });
    addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) page.classList.remove("drop"); // it left the window
    });
    addEventListener("drop", (event) => {
      event.preventDefault();
      page.classList.remove("drop");
      load(event.dataTransfer?.files);
    });
    addEventListener("paste", (event) => load(event.clipboardData?.files));
  }

  mnistlab.files = Object.freeze({ listen });
})();
