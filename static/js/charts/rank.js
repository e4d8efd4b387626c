/** A pair of parameters: each trial a point, the stronger the better its rank. */

import { number, toNumber } from "../format.js";
import { Chart } from "./core.js";
import { axisOf, cells, hrefOf, ranks } from "./data.js";
import { plural } from "./plural.js";
import { onSelected, selected } from "./selection.js";
import { mark, shade } from "./theme.js";

export function mountRank(figure, payload, events) {
  const chart = new Chart(figure, { empty: "No trial has succeeded yet." });
  const href = hrefOf(figure);
  const choice = { x: payload.axes[0]?.name, y: payload.axes[1]?.name };
  let data = read(payload, choice);
  let kept = selected(figure);

  const points = {
    name: "trials",
    draw: "points",
    xs: [],
    ys: [],
    alpha: 1,
    shape: () => "disc",
    tint: (i) => shade(chart.colours, 1 - data.rank[i] / Math.max(1, data.rank.length - 1)),
    dim: (i) => kept !== null && !kept.has(data.number[i]),
    words: (i) =>
      `Trial ${data.number[i]}: rank ${data.rank[i] + 1}\n${choice.x} ${shown(data.xs[i])}\n${choice.y} ${shown(data.ys[i])}\n${data.metric} ${number(data.values[i], 6)}`,
    href: href && ((i) => href(data.number[i])),
  };

  function draw() {
    if (!data) return chart.say("Needs two parameters.");
    Object.assign(points, { xs: data.xs, ys: data.ys });
    chart.set({
      x: axisOf(data.x, data.xs),
      y: { ...axisOf(data.y, data.ys), name: choice.y },
      series: [points],
      legend: () => scaleLegend("worst", "best"),
      summary: `${plural(data.xs.length, "trial")} over ${choice.x} and ${choice.y}, coloured by rank.`,
    });
  }

  pairTools(chart, payload.axes.map((axis) => axis.name), choice, () => {
    data = read(payload, choice);
    draw();
  });
  draw();
  events.refetch();
  onSelected(figure, () => ((kept = selected(figure)), chart.update()));
  return (fresh) => {
    payload = fresh;
    data = read(payload, choice);
    draw();
  };
}

/** Two choices of a parameter each, never the same. */
export function pairTools(chart, names, choice, run) {
  if (names.length < 3) return;
  const options = Object.fromEntries(names.map((name) => [name, name]));
  const selects = {};
  for (const axis of ["x", "y"]) {
    selects[axis] = chart.tools.choice(axis === "x" ? "Across" : "Up", options, choice[axis], (name) => {
      const other = axis === "x" ? "y" : "x";
      if (choice[other] === name) selects[other].value = choice[other] = choice[axis];
      choice[axis] = name;
      run();
    });
  }
}

/** The sequential scale as a legend: words at both ends of a strip. */
export function scaleLegend(pale, strong) {
  const strip = (ctx, x, y, colours) => {
    for (let i = 0; i <= 3; i++) mark(ctx, "disc", x - 5 + i * 4, y, 3, shade(colours, i / 3));
  };
  return [{ words: `${pale} to ${strong}`, draw: strip }];
}

function read(payload, choice) {
  const [a, b] = ["x", "y"].map((key) => payload.axes.findIndex((axis) => axis.name === choice[key]));
  if (a < 0 || b < 0) return null;
  const [xs, ys] = [a, b].map((place) => cells(payload.axes[place], payload.columns[place]));
  const values = payload.value.map(toNumber);
  const all = ranks(values, payload.goal);
  const order = values.map((_, i) => i).filter((i) => all[i] !== null && xs[i] !== null && ys[i] !== null);
  order.sort((one, other) => all[other] - all[one]);
  const pick = (list) => order.map((i) => list[i]);
  const rank = order.map((_, place) => order.length - 1 - place);
  return { x: payload.axes[a], y: payload.axes[b], xs: pick(xs), ys: pick(ys), values: pick(values), number: pick(payload.number), rank, metric: payload.metric };
}

function shown(value) {
  return typeof value === "number" ? number(value) : value;
}
