// Says once a minute that a form is still open, and shows who else has the record open.
"use strict";

(() => {
  const notice = document.querySelector("[data-open-url]");
  if (!notice) return;
  const token = document.querySelector("[name=csrfmiddlewaretoken]").value;
  const tell = async () => {
    if (document.hidden) return;
    const answer = await fetch(notice.dataset.openUrl, {
      method: "POST",
      headers: { "X-CSRFToken": token },
    }).catch(() => null);
    if (!answer || !answer.ok) return;
    const { others } = await answer.json();
    if (notice.textContent !== others) notice.textContent = others;
    notice.hidden = !others;
  };
  setInterval(tell, 60000);
})();
