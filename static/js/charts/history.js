/** Optimisation history: every trial's value, the best so far as the one strong line, failures on the lower edge. */

import { count, duration, number, toNumber } from "../format.js";
import { ENDED, statusWords } from "../words.js";
import { Chart } from "./core.js";
import { GOAL_WORDS, hrefOf, isBetter, worthReach } from "./data.js";
import { plural } from "./plural.js";
import { extent } from "./scales.js";
import { mark, STATUS_SHAPES } from "./theme.js";

const AXES = {
  number: { label: "trial", kind: "linear", whole: true },
  time: { label: "time since start", kind: "time" },
  cost: { label: "trial time spent, summed", kind: "time" },
};
const CROWD = 1000; // from here on the line would drown among the points

/** What is drawn, from the payload: columns of trials that later events can change, and the line of the best. */
export class HistoryData {
  constructor(payload) {
    this.goal = payload.goal;
    this.metric = payload.metric || "value";
    this.started = payload.started ? Date.parse(payload.started) / 1000 : null;
    this.maxTrials = payload.max_trials || null;
    this.number = [...payload.number];
    this.total = Math.max(payload.total || 0, this.number.length);
    this.value = payload.value.map(toNumber);
    this.status = payload.status.map((index) => payload.statuses[index]);
    this.ended = [...payload.ended];
    this.cost = [...(payload.cost || payload.ended)];
    this.spent = payload.spent || 0;
    this.places = new Map(this.number.map((n, index) => [n, index]));
    this.log = false;
    this.by = "number";
  }

  /** Take a trial event in; true when something that is drawn has changed. */
  take(trial) {
    let index = this.places.get(trial.number);
    const value = toNumber(trial.value ?? trial.last_value);
    const ended = trial.ended && this.started !== null ? Date.parse(trial.ended) / 1000 - this.started : null;
    if (index === undefined) {
      index = this.number.length;
      this.total += 1;
      this.places.set(trial.number, index);
      this.number.push(trial.number);
    } else if (this.value[index] === value && this.status[index] === trial.status) return false;
    this.value[index] = value;
    this.status[index] = trial.status;
    this.ended[index] = ended;
    this.cost[index] = this.costOf(trial, index);
    return true;
  }

  /** What all trials have taken together when this one has just ended; once known it stays. */
  costOf(trial, index) {
    if (!trial.ended || !trial.started || (this.cost[index] ?? null) !== null) return this.cost[index] ?? null;
    this.spent += Math.max(0, (Date.parse(trial.ended) - Date.parse(trial.started)) / 1000);
    return this.spent;
  }

  xs() {
    return { number: this.number, time: this.ended, cost: this.cost }[this.by];
  }

  /** Indexes of succeeded trials that were the best when they came, in the order of x. */
  bestSoFar() {
    const xs = this.xs();
    const order = [];
    for (let i = 0; i < xs.length; i++) {
      if (this.status[i] === "FINISHED" && Number.isFinite(this.value[i]) && this.value[i] !== null && xs[i] !== null) order.push(i);
    }
    order.sort((a, b) => xs[a] - xs[b]);
    const steps = [];
    for (const i of order) if (!steps.length || isBetter(this.goal, this.value[i], this.value[steps.at(-1)])) steps.push(i);
    return steps;
  }

  reach() {
    return worthReach(this.value, this.goal, this.log ? "log" : "linear");
  }

  summary() {
    const best = this.bestSoFar().at(-1);
    const done = this.status.filter((status) => status === "FINISHED").length;
    const [drawn, total] = [this.number.length, this.total];
    const words = drawn === total ? `${plural(total, "trial")}, ${count(done)} succeeded` : `${count(drawn)} of ${plural(total, "trial")} drawn`;
    return best === undefined ? `${words}.` : `${words}; best ${number(this.value[best])} in trial ${this.number[best]}.`;
  }
}

export function mountHistory(figure, payload, events) {
  let data = new HistoryData(payload);
  const chart = new Chart(figure, { empty: "No trial has a value yet." });
  const href = hrefOf(figure);
  const best = { name: "best so far", draw: "step", xs: [], ys: [], colour: "best", width: 2.5, quiet: true, derived: true };
  const trials = {
    name: "trials",
    draw: "points",
    xs: data.xs(),
    ys: data.value,
    rug: true,
    shape: (i) => STATUS_SHAPES[data.status[i]] || "hollow",
    tint: (i) => data.status[i],
    words: (i) => wordsOf(data, i),
    href: href && ((i) => href(data.number[i])),
  };
  best.until = () => extent(trials.xs, "linear")?.[1];

  function refresh() {
    trials.xs = data.xs();
    trials.ys = data.value;
    const steps = data.bestSoFar();
    best.xs = steps.map((i) => trials.xs[i]);
    best.ys = steps.map((i) => data.value[i]);
    best.halo = trials.xs.length > CROWD;
    chart.model.series = best.halo ? [trials, best] : [best, trials];
    chart.model.summary = data.summary();
    chart.update();
  }

  function draw() {
    chart.set({
      x: AXES[data.by],
      y: {
        name: data.metric,
        label: `${data.metric} ${GOAL_WORDS[data.goal] || ""}`,
        kind: data.log ? "log" : "linear",
        clipped: true,
        reach: () => data.reach(),
      },
      series: [best, trials],
      legend: () => legend(data),
      summary: data.summary(),
    });
    refresh();
  }

  chart.tools.choice("Across", { number: "by number", time: "by time", cost: "by cost" }, data.by, (by) => ((data.by = by), draw()));
  chart.tools.toggle("Log", false, (on) => ((data.log = on), draw()));
  if (figure.dataset.here) offerFilter(figure, chart, data);
  draw();
  events.follow(({ kind, payload: event }) => {
    if (kind === "trial" && data.take(event)) refresh();
  });
  return (fresh) => {
    data = Object.assign(new HistoryData(fresh), { by: data.by, log: data.log });
    refresh();
  };
}

function wordsOf(data, i) {
  const value = data.value[i] === null ? "no value" : number(data.value[i], 6);
  const when = data.ended[i] === null || data.ended[i] === undefined ? "" : `\nended after ${duration(data.ended[i])}`;
  const running = ENDED.has(data.status[i]) ? "" : " so far";
  return `Trial ${data.number[i]}: ${statusWords(data.status[i])}\n${data.metric} ${value}${running}${when}`;
}

function legend(data) {
  const present = [...new Set(data.status)].filter((status) => STATUS_SHAPES[status]);
  const line = {
    words: "best so far",
    draw: (ctx, x, y, colours) => {
      ctx.strokeStyle = colours.best;
      ctx.lineWidth = 2.5;
      ctx.beginPath();
      ctx.moveTo(x - 6, y);
      ctx.lineTo(x + 6, y);
      ctx.stroke();
    },
  };
  const shapes = present.map((status) => ({
    words: statusWords(status),
    draw: (ctx, x, y, colours) => mark(ctx, STATUS_SHAPES[status], x, y, 4, colours[status]),
  }));
  return [line, ...shapes];
}

/** A zoomed part of the numbers can become the page's filter. */
function offerFilter(figure, chart, data) {
  const button = chart.tools.button("Filter by this", () => {
    const [low, high] = chart.axes.zoom.x.map(Math.round);
    const address = new URL(figure.dataset.here, location.href);
    address.searchParams.set("q", `number>=${Math.max(0, low)} number<=${high}`);
    location.assign(address);
  });
  button.hidden = true;
  chart.tools.own.append(button);
  figure.addEventListener("tb:zoom", ({ detail }) => (button.hidden = !detail || data.by !== "number"));
}
