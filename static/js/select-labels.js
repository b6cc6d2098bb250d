// Gives every search field of the forms the name its column or label has, for who cannot see it.
"use strict";

(() => {
  const named = (select) => {
    const label = document.querySelector(`label[for="${select.id}"]`);
    return select.getAttribute("aria-label") || (label ? label.textContent.trim() : "");
  };
  const name = () => {
    for (const select of document.querySelectorAll("select.admin-autocomplete")) {
      const box = select.parentElement.querySelector(".select2-selection");
      const shown = box && box.querySelector(".select2-selection__rendered");
      if (!shown) continue;
      shown.removeAttribute("role");
      shown.removeAttribute("aria-readonly");
      box.removeAttribute("aria-labelledby");
      box.setAttribute("aria-label", `${named(select)} ${shown.textContent}`.trim());
    }
  };
  // The admin makes its search fields when jQuery says so; what is asked for later comes after.
  const jQuery = window.django && window.django.jQuery;
  if (jQuery) jQuery(() => jQuery(name));
  document.addEventListener("formset:added", () => setTimeout(name));
  document.addEventListener("focusin", name);
})();
