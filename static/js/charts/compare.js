/** The charts of a comparison: several experiments or trials on one scale, each in its own colour on every chart. */

import { duration, number, toNumber } from "../format.js";
import { Chart } from "./core.js";
import { GOAL_WORDS, worthReach } from "./data.js";
import { edfSeries } from "./edf.js";
import { mountAll } from "./mount.js";
import { plural } from "./plural.js";

const ACROSS = {
  number: { words: "by number", axis: { label: "trial", kind: "linear", whole: true } },
  time: { words: "by time", axis: { label: "time since start", kind: "time" } },
  cost: { words: "by cost", axis: { label: "trial time spent, summed", kind: "time" } },
};
const DASH = [7, 4];
const FEW = 6; // names of more would take the room of the drawing; they stand above it anyway
const SHORT = 22;

/** Make charts of all figures inside an element, each one once. */
export function mountCharts(root) {
  mountAll(root, { "compare-best": mountBest, "compare-edf": mountDistributions, "compare-curves": mountCurves });
}

function mountBest(figure, payload, events) {
  let by = "number";
  return mount(figure, payload, events, "No trial has succeeded yet.", {
    tools: (chart, draw) => {
      const options = Object.fromEntries(Object.entries(ACROSS).map(([key, { words }]) => [key, words]));
      chart.tools.choice("Across", options, by, (chosen) => ((by = chosen), draw()));
    },
    x: (data) => ({ ...ACROSS[by].axis, reach: () => [0, Math.max(1, ...data.series.map((one) => one.until[by]))] }),
    line: (one) => bestSeries(one, by),
    summary: (one) => `${isolated(one.name)}: ${number(one.best.at(-1))}.`,
  });
}

function bestSeries(one, by) {
  const trials = by === "number" ? one.number : one.trial;
  const ys = (by === "number" ? one.best : one.value).map(toNumber);
  const after = (i) => (by === "number" ? "" : `, ${by === "time" ? "after" : "for"} ${duration(one[by][i])}`);
  return {
    draw: "step",
    xs: one[by],
    ys,
    until: () => one.until[by],
    words: (i) => `${one.name}\n${number(ys[i], 6)} with trial ${trials[i]}${after(i)}`,
  };
}

function mountDistributions(figure, payload, events) {
  return mount(figure, payload, events, "No trial has succeeded yet.", {
    x: (data, kind, values) => ({ label: labelOf(data), kind, reach: () => worthReach(values, data.goal, kind) }),
    y: () => ({ name: "share", label: "share of trials at most so large", kind: "linear", reach: () => [0, 1] }),
    line: (one) => {
      const line = edfSeries(one, {});
      return { ...line, words: (i) => `${one.name}\n${line.words(i)}` };
    },
    summary: (one) => `${isolated(one.name)}: ${plural(one.total, "result")}.`,
  });
}

function mountCurves(figure, payload, events) {
  return mount(figure, payload, events, "None of these trials has reported a value yet.", {
    x: () => ({ label: "step", kind: "linear", whole: true }),
    line: (one) => {
      const ys = one.value.map(toNumber);
      return { draw: "line", xs: one.step, ys, words: (i) => `${one.name}\nstep ${one.step[i]}: ${number(ys[i], 6)}` };
    },
    summary: (one) => `${isolated(one.name)}: ${number(one.value.at(-1))}.`,
  });
}

/** One chart of lines: `kind` says how a member of the payload becomes a line, what the axes are, and a sentence on it. */
function mount(figure, payload, events, empty, kind) {
  const chart = new Chart(figure, { empty });
  let log = false;

  function draw() {
    const series = payload.series.map((one) => ({ ...look(one), ...kind.line(one) }));
    const scale = log ? "log" : "linear";
    const values = payload.series.flatMap((one) => one.best || one.value).map(toNumber);
    const y = { name: payload.metric, label: labelOf(payload), kind: scale, reach: () => worthReach(values, payload.goal, scale) };
    chart.set({
      x: kind.x(payload, scale, values),
      y: kind.y ? kind.y() : y,
      series,
      legend: () => (series.length > FEW ? [] : series.map((line) => ({ words: shortened(line.name), draw: key(line) }))),
      summary: payload.series.filter((one) => one.value.length).map(kind.summary).join(" "),
    });
  }

  kind.tools?.(chart, draw);
  chart.tools.toggle("Log", false, (on) => ((log = on), draw()));
  draw();
  events.refetch(5000);
  return (fresh) => ((payload = fresh), draw());
}

function labelOf(payload) {
  return `${payload.metric} ${GOAL_WORDS[payload.goal] || ""}`;
}

function look(one) {
  return { name: one.name, colour: `hue${one.hue}`, width: 2, dash: one.dashed ? DASH : null };
}

function key(line) {
  return (ctx, x, y, colours) => {
    ctx.strokeStyle = colours[line.colour];
    ctx.lineWidth = 2.5;
    ctx.setLineDash(line.dash ? [4, 3] : []);
    ctx.beginPath();
    ctx.moveTo(x - 6, y);
    ctx.lineTo(x + 6, y);
    ctx.stroke();
    ctx.setLineDash([]);
  };
}

/** A long name without its middle: names often differ at their ends. */
function shortened(name) {
  return name.length <= SHORT ? name : `${name.slice(0, 13)}…${name.slice(-8)}`;
}

/** A name that turns the direction of writing must not turn the sentence around it. */
function isolated(name) {
  return /[\u0590-\u08ff\u202a-\u202e\u2066-\u2068\ufb1d-\ufefc]/.test(name) ? `\u2068${name}\u2069` : name;
}
