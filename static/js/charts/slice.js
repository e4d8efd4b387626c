/** One parameter against the value: each trial a point, the ten best strong, brushed ones alone in full colour. */

import { number, toNumber } from "../format.js";
import { statusWords } from "../words.js";
import { Chart } from "./core.js";
import { axisOf, cells, GOAL_WORDS, hrefOf, ranks, worthReach } from "./data.js";
import { plural } from "./plural.js";
import { onSelected, selected } from "./selection.js";
import { shade } from "./theme.js";

const BEST = 10;

export function mountSlice(figure, payload, events) {
  const name = figure.dataset.param;
  const chart = new Chart(figure, { empty: "No trial with this parameter has succeeded yet." });
  const href = hrefOf(figure);
  let data = read(payload, name);
  let log = false;

  const points = {
    name: "trials",
    draw: "points",
    xs: [],
    ys: [],
    shape: (i) => (data.rank[i] !== null && data.rank[i] < BEST ? "disc" : "small"),
    tint: (i) => shade(chart.colours, tone(data, i)),
    dim: (i) => data.kept !== null && !data.kept.has(data.number[i]),
    words: (i) =>
      `Trial ${data.number[i]}: ${statusWords(data.status[i])}\n${name} ${shown(data.xs[i])}\n${data.metric} ${number(data.ys[i], 6)}`,
    href: href && ((i) => href(data.number[i])),
  };

  function draw() {
    points.xs = data.xs;
    points.ys = data.ys;
    const kind = log ? "log" : "linear";
    chart.set({
      x: data.axis ? axisOf(data.axis, data.xs) : { label: name, kind: "linear" },
      y: {
        name: data.metric,
        label: `${data.metric} ${GOAL_WORDS[data.goal] || ""}`,
        kind,
        clipped: true,
        reach: () => worthReach(data.ys, data.goal, kind),
      },
      series: [points],
      summary: `${plural(data.xs.length, "trial")}${whereBest(data)}.`,
    });
  }

  chart.tools.toggle("Log", false, (on) => ((log = on), draw()));
  draw();
  events.refetch();
  onSelected(figure, () => {
    data.kept = selected(figure);
    chart.update();
  });
  return (fresh) => {
    data = read(fresh, name);
    data.kept = selected(figure);
    draw();
  };
}

/** Where the best lie, in words. */
function whereBest(data) {
  const best = data.xs.filter((x, i) => data.rank[i] !== null && data.rank[i] < BEST);
  if (best.length < 2 || data.axis?.scale === "category") return "";
  const [low, high] = [Math.min(...best), Math.max(...best)];
  return `; the best ${best.length} have ${number(low)} to ${number(high)}`;
}

/** The trials that have the parameter and a value; the best last, so that they lie on top. */
function read(payload, name) {
  const place = payload.axes.findIndex((axis) => axis.name === name);
  const base = { axis: null, xs: [], ys: [], number: [], status: [], rank: [], kept: null, goal: payload.goal, metric: payload.metric };
  if (place < 0) return base;
  const axis = payload.axes[place];
  const column = cells(axis, payload.columns[place]);
  const values = payload.value.map(toNumber);
  const rank = ranks(values, payload.goal);
  const order = values.map((_, i) => i).filter((i) => column[i] !== null && rank[i] !== null);
  order.sort((a, b) => rank[b] - rank[a]);
  const pick = (list) => order.map((i) => list[i]);
  const status = payload.status.map((one) => payload.statuses[one]);
  return { ...base, axis, xs: pick(column), ys: pick(values), number: pick(payload.number), status: pick(status), rank: pick(rank) };
}

/** How strong a point is: the ten best most, the others by rank. */
function tone(data, i) {
  if (data.rank[i] < BEST) return 1;
  return 0.55 * (1 - data.rank[i] / Math.max(1, data.rank.length));
}

function shown(value) {
  return typeof value === "number" ? number(value) : value;
}
