// Suggestions while one types: a combobox over the site's search, which works without it too.
// A field with data-suggest="country" gets countries only; choosing one fills the field.
"use strict";

(() => {
  const url = document.currentScript.dataset.url;
  const WAIT = 150; // ms without a key before the site is asked

  const make = (tag, attributes, text) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    if (text) element.textContent = text;
    return element;
  };

  const suggest = (input, number) => {
    const list = make("ul", { id: `suggestions-${number}`, role: "listbox", class: "suggestions", hidden: "" });
    list.setAttribute("aria-label", input.getAttribute("aria-label") || input.labels[0].textContent);
    const said = make("p", { class: "more-about", "aria-live": "polite" });
    let active = -1;
    let timer = 0;
    let asked = null; // what is under way
    const noun = input.dataset.suggest;
    const set = (name, value) => input.setAttribute(name, value);

    const close = () => {
      clearTimeout(timer);
      if (asked) asked.abort();
      list.hidden = true;
      active = -1;
      set("aria-expanded", "false");
      input.removeAttribute("aria-activedescendant");
    };

    const choose = (next) => {
      const options = [...list.children];
      // Past either end is the field itself.
      active = next >= options.length ? -1 : next < -1 ? options.length - 1 : next;
      options.forEach((option, n) => option.setAttribute("aria-selected", String(n === active)));
      if (active < 0) return input.removeAttribute("aria-activedescendant");
      set("aria-activedescendant", options[active].id);
      options[active].scrollIntoView({ block: "nearest" });
    };

    const take = (option) => {
      if (!noun) return location.assign(option.dataset.url);
      input.value = option.firstChild.textContent;
      close();
    };

    const show = ({ suggestions, message }) => {
      list.replaceChildren(...suggestions.map((found, n) => {
        const option = make("li", { id: `${list.id}-${n}`, role: "option", "aria-selected": "false" });
        const title = make("bdi", found.lang ? { lang: found.lang } : {}, found.title);
        option.append(title, " ");
        if (found.also) option.append(make("bdi", { class: "meta" }, `(${found.also})`), " ");
        option.append(make("span", { class: "chip" }, found.noun));
        option.dataset.url = found.url;
        return option;
      }));
      active = -1;
      input.removeAttribute("aria-activedescendant");
      list.hidden = !suggestions.length;
      set("aria-expanded", String(!list.hidden));
      said.textContent = message;
    };

    const ask = async () => {
      if (asked) asked.abort();
      asked = new AbortController();
      try {
        const query = new URLSearchParams({ q: input.value, ...(noun ? { noun } : {}) });
        const answer = await fetch(`${url}?${query}`, { signal: asked.signal });
        if (answer.ok) show(await answer.json());
      } catch (error) {
        if (error.name !== "AbortError") close(); // without suggestions the field still searches
      }
    };

    set("role", "combobox");
    set("autocomplete", "off");
    set("aria-autocomplete", "list");
    set("aria-expanded", "false");
    set("aria-controls", list.id);
    const around = make("span", { class: "suggesting" });
    input.replaceWith(around);
    around.append(input, list, said);

    input.addEventListener("input", () => {
      close();
      if (input.value.trim()) timer = setTimeout(ask, WAIT);
    });
    input.addEventListener("keydown", (event) => {
      if (list.hidden || event.isComposing) return;
      if (event.key === "ArrowDown") choose(active + 1);
      else if (event.key === "ArrowUp") choose(active - 1);
      else if (event.key === "Escape") close();
      else if (event.key === "Enter" && active >= 0) take(list.children[active]);
      else return;
      event.preventDefault();
    });
    input.addEventListener("blur", close);
    list.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps focus
    list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) take(option);
    });
  };

  document.querySelectorAll("input[data-suggest]").forEach(suggest);
})();
