/** Where a chart's numbers come from: a block inside the figure or of a name, or its address; and the events that add to them. */

import { inBackground } from "../dom.js";
import { toNumber } from "../format.js";
import { decoded } from "./coding.js";
import { extent } from "./scales.js";

const RELOAD_EVERY = 3000;

const SHARED_FOR = 50; // in which the figures of one source ask for the same news
const kept = new Map(); // address -> the answer that figures of one source share

/**
 * The payload of a figure; do not change it, others may draw it too. `fresh` asks the server again, once for all figures
 * of a source. Throws an Error with words for people when it cannot be had.
 */
export function load(figure, fresh = false) {
  const { payload } = figure.dataset;
  const block = payload ? document.querySelector(`script[data-payload="${payload}"]`) : figure.querySelector('script[type="application/json"]');
  if (block) return Promise.resolve(JSON.parse(block.textContent));
  const address = figure.dataset.src;
  const known = kept.get(address);
  if (known && (!fresh || (known.fresh && performance.now() - known.at < SHARED_FOR))) return known.answer;
  const answer = fetchNumbers(address);
  kept.set(address, { answer, fresh, at: performance.now() });
  answer.catch(() => kept.delete(address));
  return answer;
}

async function fetchNumbers(address) {
  const answer = await ask(address);
  if (answer.status === 401) throw new Error("You are not signed in any more. Load the page again to sign in.");
  if (answer.status === 403 || answer.status === 404) throw new Error("This chart is not here any more, or not yours to see.");
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
  return decoded(await answer.json());
}

async function ask(address) {
  try {
    return await inBackground(address, { headers: { Accept: "application/json" }, cache: "no-cache" });
  } catch {
    throw new Error("The server cannot be reached.");
  }
}

/**
 * The live events of a figure's stream; what comes while its numbers are still on their way is kept for it. A chart of
 * some trials only (its address carries a query) cannot tell which events are its own: it asks for its numbers again.
 */
export class LiveEvents {
  constructor(figure) {
    this.figure = figure;
    this.stream = figure.dataset.streamOf || figure.closest("[data-stream]")?.dataset.stream;
    this.isFiltered = (figure.dataset.src || "").includes("?");
    this.early = [];
    this.listener = ({ detail }) => this.take(detail);
    this.reloader = () => this.reloadSoon(0);
    document.addEventListener("tb:event", this.listener);
    document.addEventListener("tb:reload", this.reloader);
  }

  take(detail) {
    if (this.stream && detail.stream !== this.stream) return;
    if (!this.figure.isConnected) return this.stop();
    if (this.every) detail.kind === "trial" && this.reloadSoon(this.every);
    else if (this.isFiltered) this.reloadSoon(RELOAD_EVERY);
    else if (this.run) this.run(detail);
    else this.early.push(detail);
  }

  /** Call back for each event as {kind, payload}, the kept ones first. */
  follow(run) {
    this.run = run;
    this.early.splice(0).forEach(run);
  }

  /** Ask for the numbers again, now and then, when trials have ended: for charts that no single event can change. */
  refetch(every = 10 * RELOAD_EVERY) {
    this.every = every;
    this.early.length = 0;
  }

  /** Call back when the numbers must be asked for again. */
  onReload(reload) {
    this.reload = reload;
  }

  reloadSoon(wait) {
    if (this.timer || !this.reload) return;
    this.timer = setTimeout(() => {
      this.timer = 0;
      this.reload().catch(() => this.reloadSoon(RELOAD_EVERY));
    }, wait);
  }

  stop() {
    clearTimeout(this.timer);
    document.removeEventListener("tb:event", this.listener);
    document.removeEventListener("tb:reload", this.reloader);
  }
}

/** The address of a trial's page from the figure's pattern, or null when there is none. */
export function hrefOf(figure) {
  const pattern = figure.dataset.href;
  return pattern ? (trial) => pattern.replace("{number}", trial) : null;
}

export const GOAL_WORDS = { minimize: "↓ lower is better", maximize: "↑ higher is better" };

export function isBetter(goal, a, b) {
  return b === null || (goal === "maximize" ? a > b : a < b);
}

/** The [step, value] pairs of a metrics event that lie behind the last known step; a value that is no number is a gap. */
export function newPoints(event, lastStep) {
  const pairs = event.curve?.length ? event.curve : [[event.step, event.value]];
  const isNew = (step) => Number.isFinite(step) && (lastStep === undefined || step > lastStep);
  return pairs.filter(([step]) => isNew(step)).map(([step, value]) => [step, toNumber(value)]);
}

/** The range of values worth showing: everything, unless a few far on the bad side would flatten the rest. */
export function worthReach(all, goal, kind) {
  const values = all.filter((value) => value !== null && Number.isFinite(value) && (kind !== "log" || value > 0));
  const whole = extent(values, kind);
  if (!whole || kind === "log" || values.length < 10) return whole;
  values.sort((a, b) => a - b);
  const at = (part) => values[Math.floor(part * (values.length - 1))];
  if (goal === "maximize") return [Math.max(whole[0], at(0.1) - 1.5 * (at(0.95) - at(0.1))), whole[1]];
  return [whole[0], Math.min(whole[1], at(0.9) + 1.5 * (at(0.9) - at(0.05)))];
}

/** For each value its rank among the finite ones, 0 for the best; null for those without. */
export function ranks(values, goal) {
  const places = values.map((value, index) => [value, index]).filter(([value]) => value !== null && Number.isFinite(value));
  places.sort((a, b) => (goal === "maximize" ? b[0] - a[0] : a[0] - b[0]));
  const found = values.map(() => null);
  places.forEach(([, index], rank) => (found[index] = rank));
  return found;
}

/** A parameter's column as its axis reads it: category places become labels. */
export function cells(axis, column) {
  return axis.scale === "category" ? column.map((place) => (place === null ? null : axis.values[place])) : column;
}

/** An axis of the core for a parameter's axis of the payload; ticks at whole numbers where the values are. */
export function axisOf(axis, column = []) {
  if (axis.scale === "category") return { label: axis.name, kind: "category", categories: axis.values };
  const whole = axis.scale === "linear" && column.length > 0 && column.every((value) => value === null || Number.isInteger(value));
  return { label: axis.name, kind: axis.scale, tight: true, whole, reach: () => [axis.min, axis.max] };
}
