/** Learning curves of an experiment: a grey bundle, the best bold, the one under the pointer too, with smoothing. */

import { number, toNumber } from "../format.js";
import { statusWords } from "../words.js";
import { Chart } from "./core.js";
import { GOAL_WORDS, hrefOf, isBetter, newPoints } from "./data.js";
import { plural } from "./plural.js";
import { extent } from "./scales.js";

const BEST = { colour: "best", width: 2.5, alpha: 1, halo: true };
const OTHER = { colour: "soft", width: 1, halo: false };

/** Exponential smoothing, corrected for its start; gaps stay gaps. */
export function smooth(values, weight) {
  if (!weight) return values;
  let sum = 0;
  let mass = 0;
  return values.map((value) => {
    if (value === null || !Number.isFinite(value)) return value;
    sum = sum * weight + value * (1 - weight);
    mass = mass * weight + (1 - weight);
    return sum / mass;
  });
}

class CurvesData {
  constructor(payload) {
    this.goal = payload.goal;
    this.metric = payload.metric || "value";
    this.curves = new Map();
    payload.trials.forEach((trial) => this.curves.set(trial.number, { ...trial, ys: trial.value.map(toNumber), xs: trial.step }));
    this.best = payload.best ?? null;
    this.bestValue = payload.best_value ?? null;
    this.byTime = payload.by === "time";
    this.stop = payload.stop || null;
  }

  curve(trial) {
    if (!this.curves.has(trial)) this.curves.set(trial, { number: trial, status: "RUNNING", xs: [], ys: [] });
    return this.curves.get(trial);
  }

  takeMetrics(event) {
    if (this.byTime) return false; // an event says the step, not when it was
    const curve = this.curve(event.trial);
    const points = newPoints(event, curve.xs.at(-1));
    for (const [step, value] of points) {
      curve.xs.push(step);
      curve.ys.push(value);
    }
    return points.length > 0;
  }

  takeTrial(trial) {
    if (this.curves.has(trial.number)) this.curves.get(trial.number).status = trial.status;
    const value = toNumber(trial.value);
    if (trial.status === "FINISHED" && value !== null && isBetter(this.goal, value, this.bestValue)) {
      this.best = trial.number;
      this.bestValue = value;
    }
    return true;
  }
}

export function mountCurves(figure, payload, events) {
  let data = new CurvesData(payload);
  const chart = new Chart(figure, { empty: "No trial has reported a value yet." });
  const href = hrefOf(figure);
  const lines = new Map();
  let weight = 0;
  let isLog = false;

  function lineOf(curve) {
    if (!lines.has(curve.number)) {
      lines.set(curve.number, {
        name: `trial ${curve.number}`,
        draw: "line",
        xs: curve.xs,
        ys: curve.ys,
        words: (i) => `Trial ${curve.number}: ${statusWords(curve.status)}\nstep ${curve.xs[i]}: ${number(curve.ys[i], 6)}`,
        href: href && (() => href(curve.number)),
      });
    }
    return lines.get(curve.number);
  }

  function refresh() {
    const many = data.curves.size;
    for (const curve of data.curves.values()) {
      const line = lineOf(curve);
      line.ys = smooth(curve.ys, weight);
      const isBest = curve.number === data.best;
      Object.assign(line, isBest ? BEST : { ...OTHER, alpha: many > 60 ? 0.3 : 0.5 });
    }
    const order = [...lines.values()].sort((a, b) => a.width - b.width);
    if (data.stop) order.push(stopLine(data.stop));
    chart.model.series.splice(0, Infinity, ...order);
    chart.model.summary = `${plural(many, "curve")}${data.best === null ? "" : `; the best is trial ${data.best}`}.`;
    chart.update();
  }

  function draw(log = isLog) {
    isLog = log;
    chart.set({
      x: data.byTime ? { label: "time since the trial's start", kind: "time" } : { label: "step", kind: "linear", whole: true },
      y: { name: data.metric, label: `${data.metric} ${GOAL_WORDS[data.goal] || ""}`, kind: log ? "log" : "linear", reach: () => reachOf(data, log) },
      series: [],
      legend: () => legend(data),
    });
    refresh();
  }

  chart.tools.slider("Smooth", 0, (value) => ((weight = value), refresh()));
  if (figure.dataset.src) {
    chart.tools.choice("Across", { step: "by step", time: "by time" }, "step", (by) => {
      const address = new URL(figure.dataset.src, location.href);
      address.searchParams.set("by", by);
      figure.dataset.src = address.pathname + address.search;
      events.reloadSoon(0);
    });
  }
  chart.tools.toggle("Log", false, draw);
  draw();
  events.follow(({ kind, payload: event }) => {
    if (kind === "metrics" ? data.takeMetrics(event) : kind === "trial" && data.takeTrial(event)) refresh();
  });
  return (fresh) => {
    const turned = data.byTime !== (fresh.by === "time");
    data = new CurvesData(fresh);
    lines.clear();
    if (turned) draw();
    else refresh();
  };
}

/** Where the policy stops a trial: what is on its bad side there would not go on. */
function stopLine(stop) {
  return {
    name: "stop line",
    draw: "line",
    xs: stop.step,
    ys: stop.value,
    colour: "EARLY_STOPPED",
    width: 2,
    halo: true,
    derived: true,
    words: (i) => `Stop line of ${stop.policy}, from ${stop.peers} trials\nstep ${stop.step[i]}: ${number(stop.value[i], 5)}`,
  };
}

/** The range of the curves alone: a lenient stop line may lie far outside. */
function reachOf(data, log) {
  const kind = log ? "log" : "linear";
  const reaches = [...data.curves.values()].map((curve) => extent(curve.ys, kind)).filter(Boolean);
  return reaches.length ? [Math.min(...reaches.map((one) => one[0])), Math.max(...reaches.map((one) => one[1]))] : null;
}

function legend(data) {
  const stroke = (colour, width) => (ctx, x, y, colours) => {
    ctx.strokeStyle = colours[colour];
    ctx.lineWidth = width;
    ctx.beginPath();
    ctx.moveTo(x - 6, y);
    ctx.lineTo(x + 6, y);
    ctx.stroke();
  };
  const best = data.best === null ? [] : [{ words: `best (trial ${data.best})`, draw: stroke("best", 2.5) }];
  const stop = data.stop ? [{ words: "stop line", draw: stroke("EARLY_STOPPED", 2) }] : [];
  return [...best, { words: "others", draw: stroke("soft", 1) }, ...stop];
}
