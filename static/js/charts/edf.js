/** The distribution of results: for each value the share of trials at most so large. Several experiments may share it. */

import { number, toNumber } from "../format.js";
import { Chart } from "./core.js";
import { GOAL_WORDS, worthReach } from "./data.js";
import { plural } from "./plural.js";

export function mountEdf(figure, payload, events) {
  const chart = new Chart(figure, { empty: "No trial has succeeded yet." });
  let log = false;

  function draw() {
    const kind = log ? "log" : "linear";
    const values = payload.value.map(toNumber);
    chart.set({
      x: { label: `${payload.metric} ${GOAL_WORDS[payload.goal] || ""}`, kind, reach: () => worthReach(values, payload.goal, kind) },
      y: { name: "share", label: "share of trials at most so large", kind: "linear", reach: () => [0, 1] },
      series: [edfSeries(payload, { name: payload.metric, colour: "best", width: 2 })],
      summary: `${plural(payload.total, "result")}; half are at most ${number(values[payload.share.findIndex((share) => share >= 0.5)])}.`,
    });
  }

  chart.tools.toggle("Log", false, (on) => ((log = on), draw()));
  draw();
  events.refetch();
  return (fresh) => ((payload = fresh), draw());
}

/** One experiment's distribution as a line of the core; `look` gives its name, colour and width. */
export function edfSeries(payload, look) {
  const xs = payload.value.map(toNumber);
  const ys = payload.share;
  return { draw: "step", xs, ys, ...look, words: (i) => `${Math.round(ys[i] * 100)}% have at most ${number(xs[i], 6)}` };
}
