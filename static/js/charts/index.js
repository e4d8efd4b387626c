/** The charts by name, and how a figure becomes one: when it comes near the view, with words while it waits or fails. */

import { element } from "../dom.js";
import * as curve from "./curve.js";
import * as curves from "./curves.js";
import { load } from "./data.js";
import * as history from "./history.js";
import * as parallel from "./parallel.js";

const CHARTS = { history, curves, curve, parallel };
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
  const timer = setTimeout(() => words(frame, "Loading…"), WAIT_WORDS_AFTER);
  try {
    const payload = await load(figure);
    clearTimeout(timer);
    CHARTS[figure.dataset.chart].mount(figure, payload);
  } catch (error) {
    clearTimeout(timer);
    const again = element("button", "button small", { type: "button", textContent: "Try again" });
    again.addEventListener("click", () => draw(figure));
    words(frame, `This chart could not be drawn. ${error.message}`, again);
  }
}

function words(frame, text, button) {
  const line = element("p", "", { textContent: text });
  if (button) line.append(element("br"), button);
  frame.replaceChildren(line);
}
