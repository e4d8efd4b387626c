/** Changed numbers into the page, in place: text, badges, bars, sparklines. Nothing is added, moved or taken away. */

import { count, duration, number, relative, toNumber } from "../format.js";
import { drawSpark, extendCurve, MOST_POINTS } from "../sparkline.js";
import { ENDED, shownState, statusClass, statusWords } from "../words.js";

const TIMES = new Set(["modified", "started", "ended_at", "created"]);
const COUNTS = /^(counts\..*|ended|total|running|planned|step)$/;
const NAMES = /^(number|best_trial)$/; // of trials, written without commas as everywhere

/** What the fields of an experiment show, from its summary in an event. */
export function experimentFields(summary) {
  const fields = {
    name: summary.name,
    reason: summary.reason,
    status: shownState(summary.status, summary.desired),
    best: summary.best ? toNumber(summary.best.value) : null,
    best_trial: summary.best ? summary.best.trial : null,
    ended: summary.ended,
    total: summary.total,
    planned: summary.planned,
    running: summary.running,
    modified: summary.modified,
    left: summary.seconds_left,
    spark: summary.spark,
  };
  for (const status of COUNTED) fields[`counts.${status}`] = summary.counts?.[status] || 0;
  return fields;
}

const COUNTED = ["CREATED", "WAITING", "RUNNING", "UNKNOWN", ...ENDED];

/** What the fields of a trial show, from its summary in an event. */
export function trialFields(summary) {
  const running = !ENDED.has(summary.status);
  return {
    status: shownState(summary.status, summary.desired),
    reason: summary.reason,
    value: summary.value,
    last_value: summary.last_value,
    step: summary.step,
    started: summary.started,
    ended_at: summary.ended,
    shown_value: running ? summary.last_value : summary.value,
  };
}

export function metricsFields(payload) {
  const fields = { last_value: payload.value, shown_value: payload.value, step: payload.step, curve: payload.curve };
  for (const [name, value] of Object.entries(payload.metrics || {})) fields[`metrics.${name}`] = value;
  return fields;
}

/** What is to be written of an object after a later event: its last word on everything, and the points of both. */
export function merged(before, fields) {
  return { ...before, ...fields, curve: [...(before?.curve || []), ...(fields.curve || [])].slice(-MOST_POINTS) };
}

/** Write fields into one object's elements; those that are in use stay as they are. True when all were written. */
export function patchObject(object, fields) {
  let complete = true;
  for (const element of object.querySelectorAll("[data-field]")) {
    const name = element.dataset.field;
    if (!(name in fields) || element.closest("[data-object]") !== object) continue;
    if (isInUse(element)) complete = false;
    else if (write(element, name, fields)) tint(element);
  }
  if ("status" in fields) showFor(object, fields.status);
  if (fields.best_trial !== undefined && fields.best_trial !== null) linkBest(object, fields.best_trial);
  if (fields.spark) object.querySelectorAll("svg[data-spark]").forEach((svg) => drawSpark(svg, fields.spark, fields.ended));
  if (fields.curve?.length) object.querySelectorAll("svg[data-curve]").forEach((svg) => extendCurve(svg, fields.curve));
  return complete;
}

function write(element, name, fields) {
  const value = fields[name];
  if (name === "status") return writeStatus(element, value);
  if (element instanceof HTMLProgressElement) return writeBar(element, value, fields);
  if (TIMES.has(name)) return writeTime(element, value);
  const text = words(name, value);
  if (toNumber(value) !== null && !COUNTS.test(name) && !NAMES.test(name) && element.title !== String(value)) element.title = String(value);
  if (element.textContent === text) return false;
  element.textContent = text;
  return true;
}

function words(name, value) {
  if (name === "left") return value === null || value === undefined ? "" : `~${duration(value)} left`;
  if (value === null || value === undefined || value === "") return name === "reason" || name === "name" ? "" : "–";
  if (COUNTS.test(name)) return count(value);
  return NAMES.test(name) || toNumber(value) === null ? String(value) : number(value);
}

function writeStatus(element, state) {
  const badge = element.matches(".status") ? element : element.querySelector(".status");
  if (!badge || badge.classList.contains(statusClass(state))) return false;
  badge.className = [...badge.classList].filter((name) => !name.startsWith("status-")).join(" ");
  badge.classList.add(statusClass(state));
  const label = badge.querySelector("[data-status-words]") || badge;
  label.textContent = statusWords(state);
  if (badge.title) badge.title = statusWords(state);
  const use = badge.querySelector("use");
  if (use) use.setAttribute("href", `${use.getAttribute("href").split("#")[0]}#${statusClass(state)}`);
  return true;
}

function writeBar(bar, value, fields) {
  if (fields.planned && bar.max !== fields.planned) bar.max = fields.planned;
  if (bar.value !== value) bar.value = value;
  return false;
}

function writeTime(element, iso) {
  if (!iso || element.getAttribute("datetime") === iso) return false;
  element.setAttribute("datetime", iso);
  element.textContent = relative(iso);
  return false;
}

/** The link to the best trial, which is hidden until there is one: data-best-href="/w/lab/e/key/t/{number}". */
function linkBest(object, trial) {
  for (const link of object.querySelectorAll("a[data-best-href]")) {
    link.href = link.dataset.bestHref.replace("{number}", trial);
    link.hidden = false;
  }
}

/** Controls that make sense in some states only: data-if="status RUNNING WAITING". */
function showFor(object, state) {
  for (const element of object.querySelectorAll("[data-if^='status ']")) {
    element.hidden = !element.dataset.if.split(/\s+/).slice(1).includes(state);
  }
}

/** Whether somebody is in the middle of this element: typing, selecting text, with a menu open. */
export function isInUse(element) {
  if (element.contains(document.activeElement)) return true;
  const selection = getSelection();
  return Boolean(selection && !selection.isCollapsed && selection.containsNode(element, true));
}

function tint(element) {
  element.classList.remove("changed");
  void element.offsetWidth; // start the animation again
  element.classList.add("changed");
}
