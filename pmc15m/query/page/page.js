"use strict";
// Facets: buttons of one group are alternatives, groups narrow each other; the search narrows further.
const cards = [...document.querySelectorAll(".card")];
const buttons = [...document.querySelectorAll("button[data-facet]")];
const search = document.querySelector("#search");
const shown = document.querySelector("#shown");

function filter() {
  const groups = new Map();
  for (const button of buttons.filter((one) => one.getAttribute("aria-pressed") === "true")) {
    const wanted = groups.get(button.dataset.group) ?? new Set();
    groups.set(button.dataset.group, wanted.add(button.dataset.facet));
  }
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const card of cards) {
    const has = card.dataset.facets.split(" ");
    const text = card.textContent.toLowerCase();
    const fits = [...groups.values()].every((wanted) => has.some((facet) => wanted.has(facet)));
    card.hidden = !(fits && words.every((word) => text.includes(word)));
    count += !card.hidden;
  }
  shown.textContent = `${count} of ${cards.length} shown`;
}

function clear() {
  search.value = "";
  buttons.forEach((button) => button.setAttribute("aria-pressed", "false"));
  filter();
}

// A panel's sub-caption and its box light up together.
function light(event, on) {
  const line = event.target.closest?.("[data-panel]");
  if (!line) return;
  const card = line.closest(".card");
  card.querySelectorAll(`[data-panel="${line.dataset.panel}"]`).forEach((one) => one.classList.toggle("on", on));
}

if (search) {
  document.documentElement.classList.add("js");
  for (const button of buttons) {
    button.addEventListener("click", () => {
      button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
      filter();
    });
  }
  search.addEventListener("input", filter);
  document.querySelector("#clear").addEventListener("click", clear);
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && document.activeElement !== search) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape") clear();
  });
  const gallery = document.querySelector(".cards");
  for (const [name, on] of [["mouseover", true], ["mouseout", false], ["focusin", true], ["focusout", false]]) {
    gallery.addEventListener(name, (event) => light(event, on));
  }
  filter();
}
