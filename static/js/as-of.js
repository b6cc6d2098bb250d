// Lets a slider move a date field by year, and shows the page on that day once it rests.
"use strict";

(() => {
  const REST = 700; // milliseconds without a move

  const slider = (box) => {
    const range = box.querySelector("input[type=range]");
    const field = document.getElementById(box.dataset.asOf);
    const said = box.querySelector(".said");
    const { last } = box.dataset;
    const language = document.documentElement.lang;
    const words = new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, {
      dateStyle: "long",
      timeZone: "UTC",
    });
    let start = field.value || last;
    let timer = 0;

    // The same day of another year; the slider's end is the last day there is, as a rule today.
    const dayOf = (year) => {
      if (year >= Number(range.max)) return last;
      const [month, day] = start.split("-").slice(-2).map(Number);
      const longest = new Date(Date.UTC(year, month, 0)).getUTCDate();
      const two = (number) => String(number).padStart(2, "0");
      return `${String(year).padStart(4, "0")}-${two(month)}-${two(Math.min(day, longest))}`;
    };
    const say = (day) => {
      said.textContent = words.format(new Date(`${day}T00:00:00Z`));
      range.setAttribute("aria-valuetext", said.textContent);
    };
    const show = () => {
      // The address leads back to the slider, so that the next key press moves it on.
      const form = field.form;
      form.action = `${form.action.split("#")[0]}#${range.id}`;
      form.requestSubmit();
    };

    range.addEventListener("input", () => {
      field.value = dayOf(Number(range.value));
      say(field.value);
    });
    range.addEventListener("change", () => {
      clearTimeout(timer);
      timer = setTimeout(show, REST);
    });
    range.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      clearTimeout(timer);
      show();
    });
    field.addEventListener("change", () => {
      clearTimeout(timer);
      if (!field.value) return;
      start = field.value;
      range.value = start.split("-")[0];
      say(start);
    });

    say(start);
    box.classList.add("ready");
    if (location.hash === `#${range.id}`) {
      range.focus();
      history.replaceState(null, "", location.pathname + location.search);
    }
  };

  document.querySelectorAll("[data-as-of]").forEach(slider);
})();
