"use strict";
// The pages work without this file: it adds the keyboard, marks, zoom, and boxes that light up with their words.
const one = (selector, root = document) => root.querySelector(selector);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
document.documentElement.classList.add("js");

// On a phone what there is to choose stays out of the way.
if (matchMedia("(max-width: 56rem)").matches) one(".choose")?.removeAttribute("open");
all(".more").forEach((button) => button.addEventListener("click", () => {
  button.closest(".facet").classList.add("all");
  button.remove();
}));

// Marks: one request each; the page shows what the server has written.
async function mark(group, verdict) {
  const pressed = one(`[data-verdict="${verdict}"]`, group);
  const wanted = !pressed || pressed.getAttribute("aria-pressed") === "true" ? "none" : verdict;
  const seen = group.closest("[data-seen-in]");
  const told = one("output", seen);
  const body = { key: group.dataset.key, verdict: wanted, note: one("#note")?.value ?? "", seen_in: seen.dataset.seenIn };
  const answer = await fetch("/marks", {
    method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  if (!answer.ok) {
    const complaint = await answer.text();
    if (told) told.textContent = complaint; else alert(complaint);
    return;
  }
  const { verdict: written } = await answer.json();
  all("button", group).forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.verdict === written)));
  if (told) told.textContent = written === "none" ? "Taken back." : `Marked ${written}.`;
}
document.addEventListener("click", (event) => {
  const button = event.target.closest?.(".verdicts button");
  if (button) mark(button.parentElement, button.dataset.verdict);
});

// A panel's box, line and words light up together.
function light(event, on) {
  const target = event.target.closest?.("[data-panel], [data-panels]");
  if (!target) return;
  const numbers = (target.dataset.panel ?? target.dataset.panels).split(" ").filter(Boolean);
  const root = target.closest(".card, .thing");
  for (const other of all("[data-panel], [data-panels]", root)) {
    const its = (other.dataset.panel ?? other.dataset.panels).split(" ");
    if (numbers.some((number) => its.includes(number))) other.classList.toggle("on", on);
  }
}
for (const [name, on] of [["mouseover", true], ["mouseout", false], ["focusin", true], ["focusout", false]]) {
  document.addEventListener(name, (event) => light(event, on));
}

// The viewer: the picture in its own pixels under one transform.
class Viewer {
  constructor(root) {
    this.root = root;
    this.sheet = one(".sheet", root);
    this.image = one("img", root);
    this.pointers = new Map();
    root.classList.add("js-ready");
    root.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY * (event.ctrlKey ? 0.01 : 0.0015)), event.clientX, event.clientY);
    }, { passive: false });
    root.addEventListener("dblclick", (event) => this.zoom(2, event.clientX, event.clientY));
    root.addEventListener("pointerdown", (event) => {
      if (event.target.closest(".tools")) return;
      root.setPointerCapture(event.pointerId);
      this.pointers.set(event.pointerId, event);
    });
    root.addEventListener("pointermove", (event) => this.drag(event));
    for (const name of ["pointerup", "pointercancel"]) root.addEventListener(name, (event) => this.pointers.delete(event.pointerId));
    one(".tools", root).addEventListener("click", (event) => {
      const { zoom, boxes } = event.target.dataset;
      if (zoom === "fit") this.fit(); else if (zoom) this.zoom(zoom === "in" ? 1.5 : 1 / 1.5);
      if (boxes !== undefined) this.boxes();
    });
    addEventListener("resize", () => this.fit());
    if (this.image.complete) this.fit(); else this.image.addEventListener("load", () => this.fit());
    const chosen = this.sheet.dataset.chosen;
    const line = chosen && one(`.panels [data-key="${CSS.escape(chosen)}"]`);
    if (line) one(`g[data-panel="${line.dataset.panel}"]`, root)?.classList.add("on");
  }
  fit() {
    const { clientWidth: width, clientHeight: height } = this.root;
    this.scale = Math.min(width / this.image.offsetWidth, height / this.image.offsetHeight) * 0.97;
    this.x = (width - this.image.offsetWidth * this.scale) / 2;
    this.y = (height - this.image.offsetHeight * this.scale) / 2;
    this.least = this.scale / 2;
    this.fitting = this.scale;
    this.place();
  }
  zoom(factor, clientX, clientY) {
    const frame = this.root.getBoundingClientRect();
    const x = (clientX ?? frame.x + frame.width / 2) - frame.x;
    const y = (clientY ?? frame.y + frame.height / 2) - frame.y;
    const scale = Math.min(Math.max(this.scale * factor, this.least), 40);
    this.x = x - (x - this.x) * scale / this.scale;
    this.y = y - (y - this.y) * scale / this.scale;
    this.scale = scale;
    this.place();
  }
  move(x, y) {
    this.x += x;
    this.y += y;
    this.place();
  }
  drag(event) {
    const before = this.pointers.get(event.pointerId);
    if (!before) return;
    const other = [...this.pointers.values()].find((pointer) => pointer.pointerId !== event.pointerId);
    if (other) {
      const span = (pointer) => Math.hypot(pointer.clientX - other.clientX, pointer.clientY - other.clientY) || 1;
      this.zoom(span(event) / span(before), (event.clientX + other.clientX) / 2, (event.clientY + other.clientY) / 2);
    } else this.move(event.clientX - before.clientX, event.clientY - before.clientY);
    this.pointers.set(event.pointerId, event);
  }
  boxes() {
    const hidden = this.sheet.classList.toggle("no-boxes");
    one("[data-boxes]", this.root).setAttribute("aria-pressed", String(!hidden));
  }
  place() {
    // As long as all of it is seen, a finger that moves up or down moves the page.
    this.root.style.touchAction = this.scale > this.fitting ? "none" : "pan-y";
    this.sheet.style.transform = `translate(${this.x}px, ${this.y}px) scale(${this.scale})`;
  }
}
const viewer = one(".viewer") && new Viewer(one(".viewer"));

// The keyboard.
const cards = all(".card");
function step(by) {
  const link = one(by > 0 ? "a[rel=next]" : "a[rel=prev]");
  if (!cards.length) return link?.click();
  const now = cards.indexOf(document.activeElement.closest(".card"));
  const next = cards[now < 0 ? (by > 0 ? 0 : cards.length - 1) : now + by];
  if (next) next.focus(); else link?.click();
}
const keys = {
  "/": () => one("#words")?.focus(),
  "?": () => one("#help").showModal(),
  j: () => step(1), k: () => step(-1),
  n: () => one("a[rel=next]")?.click(), p: () => one("a[rel=prev]")?.click(),
  u: () => one("#up")?.click(),
  Enter: () => one("h3 a", document.activeElement.closest(".card"))?.click(),
  "+": () => viewer?.zoom(1.5), "=": () => viewer?.zoom(1.5), "-": () => viewer?.zoom(1 / 1.5), f: () => viewer?.fit(),
  b: () => viewer?.boxes(),
  ArrowLeft: () => viewer?.move(60, 0), ArrowRight: () => viewer?.move(-60, 0),
  ArrowUp: () => viewer?.move(0, 60), ArrowDown: () => viewer?.move(0, -60),
};
["none", "right", "partly", "wrong"].forEach((verdict, n) => {
  keys[n] = () => {
    const group = one(".verdicts", document.activeElement.closest(".card") ?? one(".judge") ?? undefined);
    if (group && (!cards.length || document.activeElement.closest(".card"))) mark(group, verdict);
  };
});
one("#help-button").addEventListener("click", keys["?"]);
document.addEventListener("keydown", (event) => {
  const inField = event.target.closest("input, textarea");
  if (event.key === "Escape" && inField) return inField.blur();
  if (inField || event.ctrlKey || event.metaKey || event.altKey || one("#help").open) return;
  const act = keys[event.key];
  if (!act || (event.key === "Enter" && !document.activeElement.matches(".card"))) return;
  if (event.key.startsWith("Arrow") && (!viewer || !viewer.root.contains(document.activeElement))) return;
  event.preventDefault();
  act();
});
