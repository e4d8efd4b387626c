/** How a figure becomes a chart: when it comes near the view, with words while it waits or fails. */

import { element } from "../dom.js";
import { count } from "../format.js";
import { LiveEvents, load } from "./data.js";

const WAIT_WORDS_AFTER = 300;

const mounted = new WeakMap();

/** Make charts of all figures inside an element whose name is among `charts` ({name: mount}), each one once. */
export function mountAll(root, charts) {
  for (const figure of taken(root, charts)) {
    showWords(figure.querySelector(".chart-frame"), "Drawn when it comes into view.");
    near.observe(figure);
  }
}

/** The same at once, one after the other, for a page whose numbers are there and that may be printed as it stands. */
export function mountAllNow(root, charts) {
  taken(root, charts).forEach(draw);
}

function taken(root, charts) {
  const found = [...root.querySelectorAll("figure[data-chart]")].filter((figure) => charts[figure.dataset.chart] && !mounted.has(figure));
  for (const figure of found) mounted.set(figure, charts[figure.dataset.chart]);
  return found;
}

const near = new IntersectionObserver(
  (entries) => {
    for (const entry of entries.filter((candidate) => candidate.isIntersecting)) {
      near.unobserve(entry.target);
      draw(entry.target);
    }
  },
  { rootMargin: "300px" },
);

async function draw(figure) {
  const frame = figure.querySelector(".chart-frame");
  const timer = setTimeout(() => showWords(frame, "Loading…"), WAIT_WORDS_AFTER);
  const events = new LiveEvents(figure);
  try {
    const payload = await load(figure);
    await turn();
    clearTimeout(timer);
    const began = performance.now();
    const replace = await mounted.get(figure)(figure, payload, events);
    if (replace && figure.dataset.src) events.onReload(async () => replace(await load(figure, true)));
    await painted();
    drawn(figure, payload, performance.now() - began);
  } catch (error) {
    clearTimeout(timer);
    events.stop();
    const again = element("button", "button small", { type: "button", textContent: "Try again" });
    again.addEventListener("click", () => draw(figure));
    showWords(frame, `This chart could not be drawn. ${error.message}`, again);
  }
}

let last = Promise.resolve();

/** Wait until the figures that asked before have been painted: each appears as soon as it is ready, and the page answers in between. */
function turn() {
  const mine = last;
  last = mine.then(painted);
  return mine;
}

function painted() {
  return new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}

function showWords(frame, text, button) {
  const line = element("p", "", { textContent: text });
  if (button) line.append(element("br"), button);
  frame.replaceChildren(line);
}

/** Say beside the title how the numbers were thinned, and on the figure how long the drawing took. */
function drawn(figure, payload, took) {
  figure.dataset.drawn = String(Math.round(took));
  sayThinned(figure, payload);
}

/** How a payload was thinned, in words, where the figure has room for them. */
export function sayThinned(figure, payload) {
  const words = figure.querySelector("[data-thinned]");
  const shown = (payload.number || payload.trials)?.length;
  if (!words || !shown || !payload.total || shown >= payload.total) return words?.replaceChildren();
  const how = payload.how ? `: ${payload.how}` : "";
  words.title = words.textContent = `${count(shown)} of ${count(payload.total)} trials${how}`;
}
