/* On a publisher's page: make each of our frames as high as the page in it says it is. */
"use strict";

(() => {
  const origin = new URL(document.currentScript.src).origin;
  const frames = () =>
    [...document.querySelectorAll("iframe")].filter((frame) => frame.src.startsWith(`${origin}/`));

  window.addEventListener("message", (event) => {
    if (event.origin !== origin) return;
    const height = event.data && event.data.alliesHeight;
    if (!Number.isInteger(height) || height < 1 || height > 50000) return;
    for (const frame of frames()) {
      if (frame.contentWindow === event.source) frame.height = String(height);
    }
  });
  for (const frame of frames()) frame.contentWindow.postMessage("allies-height?", origin);
})();
