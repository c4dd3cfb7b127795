"use strict";
// Facets: buttons of one group are alternatives, groups narrow each other; the search narrows further.
const cards = [...document.querySelectorAll("#gallery .card")];
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

// An enlarged picture: as large as the window, then larger at every click; arrows go to the next one.
const enlarged = document.createElement("dialog");
enlarged.innerHTML = '<div class="tools"><b></b><button type="button" data-zoom="1.5" aria-label="Larger">+</button>'
  + '<button type="button" data-zoom="0.667" aria-label="Smaller">−</button><button type="button" data-step="-1" '
  + 'aria-label="Previous">←</button><button type="button" data-step="1" aria-label="Next">→</button>'
  + '<button type="button" data-boxes aria-pressed="true">boxes</button>'
  + '<button type="button" data-close aria-label="Close">✕</button></div><div class="sheet"></div>';
document.body.append(enlarged);
const sheet = enlarged.querySelector(".sheet");
let current = null;

function enlarge(frame) {
  current = frame;
  const copy = frame.cloneNode(true);
  copy.dataset.zoom = "1.5";
  copy.setAttribute("aria-label", "Larger");
  sheet.replaceChildren(copy);
  enlarged.querySelector("b").textContent = frame.closest(".card").querySelector("h3").textContent;
  enlarged.style.setProperty("--zoom", 1);
  if (!enlarged.open) enlarged.showModal();
}

function zoom(by) {
  const now = Number(enlarged.style.getPropertyValue("--zoom"));
  enlarged.style.setProperty("--zoom", Math.min(Math.max(now * by, 1), 8));
}

function boxes() {
  const hidden = enlarged.classList.toggle("bare");
  enlarged.querySelector("[data-boxes]").setAttribute("aria-pressed", String(!hidden));
}

function step(by) {
  const frames = [...document.querySelectorAll(".card .frame")].filter((one) => one.offsetParent);
  enlarge(frames[(frames.indexOf(current) + by + frames.length) % frames.length]);
}

document.addEventListener("click", (event) => {
  const frame = event.target.closest(".card .frame");
  if (frame) enlarge(frame);
});
enlarged.addEventListener("click", (event) => {
  const asked = event.target.closest("button")?.dataset ?? {};
  if (asked.zoom) zoom(Number(asked.zoom));
  else if (asked.step) step(Number(asked.step));
  else if ("boxes" in asked) boxes();
  else if ("close" in asked) enlarged.close();
});
enlarged.addEventListener("keydown", (event) => {
  if (event.key === "ArrowRight") step(1);
  else if (event.key === "ArrowLeft") step(-1);
  else if (event.key === "b") boxes();
  else if (event.key === "+") zoom(1.5);
  else if (event.key === "-") zoom(1 / 1.5);
});
enlarged.addEventListener("close", () => current.focus());

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
    if (enlarged.open) return;
    if (event.key === "/" && document.activeElement !== search) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape") clear();
  });
  const gallery = document.querySelector("#gallery .cards");
  for (const [name, on] of [["mouseover", true], ["mouseout", false], ["focusin", true], ["focusout", false]]) {
    gallery.addEventListener(name, (event) => light(event, on));
  }
  filter();
}
