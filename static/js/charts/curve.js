/** The learning curve of one trial beside the best trial's and the median of the others. */

import { number, toNumber } from "../format.js";
import { Chart } from "./core.js";
import { GOAL_WORDS, newPoints } from "./data.js";

const LOOKS = {
  median: { name: "median of the others", colour: "soft", width: 1.5 },
  best: { name: "best trial", colour: "best", width: 2 },
  this: { name: "this trial", colour: "hue2", width: 2.5 },
};

export function mountCurve(figure, payload, events) {
  const chart = new Chart(figure, { empty: "This trial has reported no value yet." });
  const series = Object.entries(LOOKS)
    .filter(([key]) => payload[key])
    .map(([key, look]) => seriesOf(key, look, payload));
  const own = series.find((line) => line.key === "this");

  function draw(log) {
    chart.set({
      x: { label: "step", kind: "linear", whole: true },
      y: { name: payload.metric, label: `${payload.metric} ${GOAL_WORDS[payload.goal] || ""}`, kind: log ? "log" : "linear" },
      series,
      legend: () => [...series].reverse().map((line) => ({ words: line.name, draw: stroke(line) })),
      summary: own?.ys.length ? `Last value ${number(own.ys.at(-1))} at step ${own.xs.at(-1)}.` : "",
    });
  }

  chart.tools.toggle("Log", false, draw);
  draw(false);
  events.follow(({ kind, payload: event }) => {
    if (kind !== "metrics" || event.trial !== payload.number || !own) return;
    for (const [step, value] of newPoints(event, own.xs.at(-1))) {
      own.xs.push(step);
      own.ys.push(value);
    }
    chart.update();
  });
  return (fresh) => {
    for (const line of series) Object.assign(line, { xs: fresh[line.key]?.step || [], ys: (fresh[line.key]?.value || []).map(toNumber) });
    chart.update();
  };
}

function seriesOf(key, look, payload) {
  const line = { key, draw: "line", ...look, xs: [...payload[key].step], ys: payload[key].value.map(toNumber) };
  if (key === "best") line.name = `best (trial ${payload.best.number})`;
  line.words = (i) => `${line.name}\nstep ${line.xs[i]}: ${number(line.ys[i], 6)}`;
  return line;
}

function stroke(line) {
  return (ctx, x, y, colours) => {
    ctx.strokeStyle = colours[line.colour];
    ctx.lineWidth = line.width;
    ctx.beginPath();
    ctx.moveTo(x - 6, y);
    ctx.lineTo(x + 6, y);
    ctx.stroke();
  };
}
