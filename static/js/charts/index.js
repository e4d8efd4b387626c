/** The charts by name, and how a figure becomes one: when it comes near the view, with words while it waits or fails. */

import { element } from "../dom.js";
import { mountCurve } from "./curve.js";
import { mountCurves } from "./curves.js";
import { LiveEvents, load } from "./data.js";
import { mountHistory } from "./history.js";
import { mountParallel } from "./parallel.js";

const CHARTS = { history: mountHistory, curves: mountCurves, curve: mountCurve, parallel: mountParallel };
const WAIT_WORDS_AFTER = 300;

const mounted = new WeakSet();

/** Make charts of all figures inside an element, each one once. */
export function mountCharts(root) {
  for (const figure of root.querySelectorAll("figure[data-chart]")) {
    if (mounted.has(figure) || !CHARTS[figure.dataset.chart]) continue;
    mounted.add(figure);
    near.observe(figure);
  }
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
    clearTimeout(timer);
    const replace = CHARTS[figure.dataset.chart](figure, payload, events);
    if (replace && figure.dataset.src) events.onReload(async () => replace(await load(figure)));
  } catch (error) {
    clearTimeout(timer);
    events.stop();
    const again = element("button", "button small", { type: "button", textContent: "Try again" });
    again.addEventListener("click", () => draw(figure));
    showWords(frame, `This chart could not be drawn. ${error.message}`, again);
  }
}

function showWords(frame, text, button) {
  const line = element("p", "", { textContent: text });
  if (button) line.append(element("br"), button);
  frame.replaceChildren(line);
}
