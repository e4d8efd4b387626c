/** Where a chart's numbers come from: a block inside the figure or its address; and the events that add to them. */

import { toNumber } from "../format.js";

const RELOAD_EVERY = 3000;

/** The payload of a figure. Throws an Error with words for people when it cannot be had. */
export async function load(figure) {
  const block = figure.querySelector('script[type="application/json"]');
  if (block) return JSON.parse(block.textContent);
  const answer = await ask(figure.dataset.src);
  if (answer.status === 403 || answer.status === 404) throw new Error("This chart is not here any more, or not yours to see.");
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
  return answer.json();
}

async function ask(address) {
  try {
    return await fetch(address, { headers: { Accept: "application/json" }, cache: "no-cache", credentials: "same-origin" });
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
    if (this.isFiltered) this.reloadSoon(RELOAD_EVERY);
    else if (this.run) this.run(detail);
    else this.early.push(detail);
  }

  /** Call back for each event as {kind, payload}, the kept ones first. */
  follow(run) {
    this.run = run;
    this.early.splice(0).forEach(run);
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
