"use strict";

/**
 * What stands around the sheet of a pad: buttons whose acts travel with the strokes, pictures that are dropped, pasted, chosen or
 * photographed, the reading as text, and names for what the widgets leave without.
 * @typedef {object} Sheet
 * @property {(name: string) => void} act
 * @property {(content: string) => void} file  as base64
 */
(() => {
  const mnistlab = (globalThis.mnistlab ??= {});

  const ACT = "mnistlab-act-";
  const [LARGE, SIDE] = [2 ** 20, 1600]; // bytes from which a picture is made smaller, to so many px: a phone's has 4,000
  const NOTED = 1_500; // ms for which the button says that it has copied

  /** @param {Element} button */
  const actOf = (button) => [...button.classList].find((name) => name.startsWith(ACT))?.slice(ACT.length);

  /** A file as base64; a large picture smaller. @param {Blob} file @returns {Promise<string>} */
  async function read(file) {
    const content = file.size > LARGE ? await smaller(file) : file;
    return new Promise((resolve, reject) => {
      const reader = new FileReader();
      reader.onload = () => resolve(String(reader.result).split(",", 2)[1] ?? "");
      reader.onerror = reject;
      reader.readAsDataURL(content);
    });
  }

  /** @param {Blob} file @returns {Promise<Blob>} the file itself if it is no picture */
  async function smaller(file) {
    try {
      const bitmap = await createImageBitmap(file);
      const scale = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
      const canvas = new OffscreenCanvas(Math.round(scale * bitmap.width), Math.round(scale * bitmap.height));
      canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      return await canvas.convertToBlob({ type: "image/jpeg", quality: 0.92 });
    } catch {
      return file;
    }
  }

  /** A way to choose a file. @param {(file: Blob) => void} take @param {Record<string, string>} attributes */
  function chooser(take, attributes) {
    const input = document.createElement("input");
    for (const [name, value] of Object.entries({ type: "file", ...attributes })) input.setAttribute(name, value);
    input.addEventListener("change", () => {
      if (input.files?.length) take(input.files[0]);
      input.value = ""; // the same file may be chosen again
    });
    return () => input.click();
  }

  /** @param {string} text */
  async function copy(text) {
    if (navigator.clipboard) return navigator.clipboard.writeText(text);
    const area = Object.assign(document.createElement("textarea"), { value: text }); // a page that is not https has no clipboard
    document.body.append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }

  /** @param {HTMLElement} pad @param {Element} button */
  async function copyReading(pad, button) {
    const text = /** @type {HTMLElement | null} */ (pad.querySelector(".mnistlab-readout"))?.dataset.text;
    if (!text) return;
    await copy(text);
    button.classList.add("mnistlab-copied");
    const spoken = pad.querySelector(".mnistlab-spoken .widget-html-content");
    if (spoken) spoken.textContent = `copied: ${text}`;
    setTimeout(() => button.classList.remove("mnistlab-copied"), NOTED);
  }

  /** Names and roles for what has none. @param {HTMLElement} pad */
  function nameParts(pad) {
    /** @type {[string, Record<string, string>][]} */
    const names = [
      [".mnistlab-spoken .widget-html-content", { role: "status" }],
      [".mnistlab-load", { "aria-label": "Picture" }],
      [".noUi-handle", { "aria-label": "Pen, px" }],
    ];
    for (const [query, attributes] of names) {
      for (const element of pad.querySelectorAll(query)) {
        for (const [attribute, value] of Object.entries(attributes)) {
          if (element.getAttribute(attribute) !== value) element.setAttribute(attribute, value);
        }
      }
    }
  }

  /**
   * Listen to what surrounds the sheet, until `signal`; the sheet may not be on the page yet.
   * @param {HTMLElement} el @param {Sheet} sheet @param {AbortSignal} signal
   */
  function furnish(el, sheet, signal) {
    const pad = () => /** @type {HTMLElement | null} */ (el.closest(".mnistlab-pad"));
    const take = (/** @type {Blob} */ file) => read(file).then(sheet.file, () => sheet.file(""));
    const choose = chooser(take, { accept: ".png,.jpg,.jpeg,.webp,.bmp,.gif,.tif,.tiff,.json" });
    const photograph = chooser(take, { accept: "image/*", capture: "environment" });
    const isOurs = (/** @type {Event} */ event) => event.target instanceof Node && Boolean(pad()?.contains(event.target));

    const click = (/** @type {MouseEvent} */ event) => {
      const button = isOurs(event) && /** @type {Element} */ (event.target).closest("button");
      if (!button) return;
      const act = actOf(button);
      if (act) sheet.act(act);
      else if (button.matches(".mnistlab-load")) choose();
      else if (button.matches(".mnistlab-camera")) photograph();
      else if (button.matches(".mnistlab-copy")) copyReading(/** @type {HTMLElement} */ (pad()), button);
      else return;
      event.stopPropagation(); // the widget would send it by a way of its own, and overtake a stroke
      event.preventDefault();
    };
    const over = (/** @type {DragEvent} */ event) => {
      const isFile = isOurs(event) && Boolean(event.dataTransfer?.types.includes("Files"));
      pad()?.classList.toggle("mnistlab-drop", isFile);
      if (!isFile) return;
      event.preventDefault(); // else the browser would open the file in place of the page
      event.stopPropagation();
    };
    const drop = (/** @type {DragEvent} */ event) => {
      pad()?.classList.remove("mnistlab-drop");
      const file = isOurs(event) && event.dataTransfer?.files[0];
      if (!file) return;
      event.preventDefault();
      event.stopPropagation();
      take(file);
    };
    const paste = (/** @type {ClipboardEvent} */ event) => {
      const file = isOurs(event) && event.clipboardData?.files[0];
      if (!file) return;
      event.preventDefault();
      event.stopPropagation();
      take(file);
    };
    const options = { capture: true, signal };
    document.addEventListener("click", click, options);
    document.addEventListener("dragover", over, options);
    document.addEventListener("drop", drop, options);
    document.addEventListener("paste", paste, options);
    document.addEventListener("dragleave", (event) => !event.relatedTarget && pad()?.classList.remove("mnistlab-drop"), options);
  }

  mnistlab.furniture = Object.freeze({ furnish, nameParts });
})();
