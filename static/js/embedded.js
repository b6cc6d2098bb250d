/* Inside a frame of another site: tell it how high this page is, and nothing else. */
"use strict";

(() => {
  if (window.parent === window) return;
  const root = document.documentElement;
  const tell = () => {
    const height = Math.ceil(root.getBoundingClientRect().height);
    window.parent.postMessage({ alliesHeight: height }, "*");
  };
  new ResizeObserver(tell).observe(root);
  // The publisher's script may come after the first word.
  window.addEventListener("message", (event) => {
    if (event.source === window.parent && event.data === "allies-height?") tell();
  });
})();
