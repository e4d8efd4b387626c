/** The feed on the page: which streams it follows, what an event changes, and when. */

import { element, inBackground, on } from "../dom.js";
import { number } from "../format.js";
import { ENDED, statusWords } from "../words.js";
import { notice, standing } from "../page/notices.js";
import { editedMenus, isBusy } from "./busy.js";
import { experimentFields, merged, metricsFields, patchObject, trialFields } from "./patch.js";
import { Feed, SIGNED_OUT } from "./socket.js";

const FRAGMENT_EVERY = 2000;
const SAY_EVERY = 10000;
const HELD_EVENTS = 5000;
const NEW = new Set(["CREATED", "WAITING"]);

export class LivePage {
  constructor(body) {
    this.title = document.title;
    this.held = [];
    this.lost = false;
    this.isGone = false;
    this.pending = new Map();
    this.blocked = new Map();
    this.fresh = new Map();
    this.totals = new Map();
    this.refreshed = new WeakMap();
    this.owed = new Set();
    this.edited = [];
    this.feed = new Feed(body.dataset.liveUrl, {
      feed: body.dataset.feed,
      poll: body.dataset.eventsUrl,
      hear: (stream, events) => this.hear(stream, events),
      reset: () => this.loadAgain(),
      state: (name, words) => this.mark(name, words),
      standing,
    });
    document.addEventListener("visibilitychange", () => this.cameBack());
    on("click", "[data-live-toggle]", (button) => {
      this.feed.pause(!this.feed.paused);
      button.setAttribute("aria-pressed", String(this.feed.paused));
    });
    document.addEventListener("htmx:beforeSwap", (event) => this.keepBusy(event));
    document.addEventListener("htmx:oobBeforeSwap", (event) => this.keepBusyPiece(event));
    document.addEventListener("htmx:afterSwap", () => this.putBack());
    document.addEventListener("focusout", () => setTimeout(() => this.retryBlocked(), 0));
    document.addEventListener("toggle", () => this.owed.size && this.retryBlocked(), true);
    document.addEventListener("selectionchange", () => this.blocked.size && this.retryBlocked());
  }

  /** Follow the streams that an element (and its parts) names. */
  follow(root) {
    const regions = [...root.querySelectorAll("[data-stream]"), ...(root.matches?.("[data-stream]") ? [root] : [])];
    const oldest = new Map();
    for (const { dataset } of regions) {
      const after = Number(dataset.after) || 0;
      oldest.set(dataset.stream, Math.min(after, oldest.get(dataset.stream) ?? after));
    }
    for (const [stream, after] of oldest) this.feed.follow(stream, after);
    for (const total of root.querySelectorAll('[data-object^="experiment:"] [data-field="total"]')) {
      const key = total.closest("[data-object]").dataset.object.slice("experiment:".length);
      if (!this.totals.has(key)) this.totals.set(key, Number(total.textContent.replace(/\D/g, "")));
    }
  }

  mark(name, words) {
    const mark = document.querySelector("[data-live-mark]");
    const label = mark?.querySelector("[data-live-words]");
    if (!mark) return;
    mark.removeAttribute("role"); // a count-down is nothing to read aloud; the states are said once, below
    if (mark.dataset.state !== name) this.say({ live: "", waiting: "Live updates interrupted, reconnecting.", offline: words }[name]);
    if (words === SIGNED_OUT && label.textContent !== words) notice("You are signed out. Sign in again to see what is new.", "error");
    mark.dataset.state = name;
    if (label && label.textContent !== words) label.textContent = words;
  }

  hear(stream, events) {
    if (document.hidden) return this.hold(stream, events);
    for (const event of events) this.take(stream, event);
  }

  /** A hidden page only counts; what it heard is applied when it is looked at again. */
  hold(stream, events) {
    this.lost ||= this.held.length > HELD_EVENTS;
    if (!this.lost) this.held.push(...events.map((event) => ({ stream, event })));
    const telling = this.held.filter(({ event }) => event.kind !== "metrics");
    const told = new Set(telling.map(({ event }) => event.payload.number ?? event.payload.key));
    if (told.size) document.title = `(${this.lost ? "many" : told.size}) ${this.title}`;
  }

  cameBack() {
    if (document.hidden) return;
    document.title = this.title;
    const held = this.held.splice(0);
    if (this.lost) this.loadAgain();
    else for (const { stream, event } of held) this.take(stream, event);
    this.lost = false;
  }

  take(stream, { kind, payload, seq }) {
    if (kind === "experiment" && stream.startsWith("exp:")) this.trashed(payload.trashed);
    document.dispatchEvent(new CustomEvent("tb:event", { detail: { stream, kind, payload, seq } }));
    const key = stream.startsWith("exp:") ? stream.slice(4) : null;
    if (kind === "experiment") this.change(`experiment:${payload.key}`, experimentFields(payload));
    if (kind === "trial") this.change(`trial:${key}:${payload.number}`, trialFields(payload));
    if (kind === "metrics") this.change(`trial:${key}:${payload.trial}`, metricsFields(payload));
    if (kind === "removed" || kind === "restored") this.count(stream, `experiment:${payload.key}`, kind);
    if (kind === "trial" && this.isNewTrial(key, payload)) this.count(stream, `trial:${key}:${payload.number}`, "new");
    if (kind === "experiment" && NEW.has(payload.status) && !payload.total) this.count(stream, `experiment:${payload.key}`, "new");
    this.refreshFragments(kind, payload);
    this.speak(kind, payload);
  }

  /** Of an experiment that somebody has moved to the trash nothing more can be fetched. */
  trashed(isGone) {
    if (isGone && !this.isGone) notice("Somebody moved this experiment to the trash.", "warning");
    this.isGone = isGone;
  }

  /** Trials are numbered from 0, so those from the total that the page was drawn with are new to it. */
  isNewTrial(key, trial) {
    if (!this.totals.has(key)) return NEW.has(trial.status);
    return trial.number >= this.totals.get(key);
  }

  /** Remember what an object shows now; everything is written at the next frame, once. */
  change(name, fields) {
    this.pending.set(name, merged(this.pending.get(name), fields));
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      const changes = [...this.pending];
      this.pending.clear();
      for (const [object, values] of changes) this.write(object, values);
    });
  }

  write(name, fields) {
    let complete = true;
    for (const object of document.querySelectorAll(`[data-object="${CSS.escape(name)}"]`)) {
      if (object.matches("tr, [data-row]") && isBusy(object)) complete = false;
      else complete = patchObject(object, fields) && complete;
    }
    if (complete) this.blocked.delete(name);
    else this.blocked.set(name, merged(this.blocked.get(name), fields));
  }

  retryBlocked() {
    const waiting = [...this.blocked];
    this.blocked.clear();
    for (const [name, fields] of waiting) this.write(name, fields);
    const owed = [...this.owed];
    this.owed.clear();
    for (const region of owed) this.refreshSoon(region);
  }

  /** Count what the tables of a stream do not show yet, on their pill. */
  count(stream, name, what) {
    for (const table of document.querySelectorAll(`[data-rows-of="${CSS.escape(stream)}"]`)) {
      const shown = table.querySelector(`[data-object="${CSS.escape(name)}"]`);
      if (!name.startsWith(stream.startsWith("ws:") ? "experiment:" : "trial:")) continue;
      if (Boolean(shown) !== (what === "removed")) continue;
      const fresh = this.fresh.get(table) || new Set();
      this.fresh.set(table, fresh.add(`${what} ${name}`));
      this.pill(table, fresh);
    }
  }

  pill(table, fresh) {
    const region = table.closest("[data-pill-region], section, main") || document;
    const pill = table.querySelector("[data-pill]") || region.querySelector("[data-pill]");
    if (!pill) return;
    const removed = [...fresh].filter((name) => name.startsWith("removed")).length;
    const parts = [fresh.size - removed && `${fresh.size - removed} new`, removed && `${removed} removed`].filter(Boolean);
    pill.textContent = `${parts.join(" · ")} · show`;
    pill.hidden = false;
    pill.onclick ??= () => pill.hasAttribute("hx-get") || location.reload();
  }

  /** A region with `data-refresh-of` cares for the trial of that number alone, one with `data-refresh-state` for another state. */
  refreshFragments(kind, payload) {
    const state = `${payload.status} ${payload.desired}`;
    for (const region of document.querySelectorAll("[data-refresh-on]")) {
      const { refreshOn, refreshOf, refreshState } = region.dataset;
      if (refreshOf !== undefined && refreshOf !== String(payload.number ?? payload.trial)) continue;
      if (!refreshOn.split(/\s+/).includes(kind) || refreshState === state) continue;
      if (refreshState !== undefined) region.dataset.refreshState = state;
      this.refreshSoon(region);
    }
  }

  /** At once when it has been quiet, else when two seconds are over; never while somebody works in it. */
  refreshSoon(region) {
    const plan = this.refreshed.get(region) || { at: -Infinity, timer: 0 };
    this.refreshed.set(region, plan);
    if (plan.timer) return;
    const wait = Math.max(0, plan.at + FRAGMENT_EVERY - performance.now());
    plan.timer = setTimeout(() => {
      plan.timer = 0;
      if (!region.isConnected || this.isGone) return;
      plan.at = performance.now();
      if (isBusy(region)) this.refreshSoon(region);
      else region.dispatchEvent(new CustomEvent("tb:refresh", { bubbles: false }));
    }, wait);
  }

  /** What somebody began to work in while its refresh was on the way is left as it is, and refreshed later. */
  keepBusy(event) {
    const region = event.detail.requestConfig?.elt;
    if (event.detail.target !== region || !region.matches("[data-refresh-on]")) return;
    if (!isBusy(region)) return this.edited.push(...editedMenus(region));
    event.preventDefault();
    this.refreshSoon(region);
  }

  /** The same for one of the pieces that a region refreshes beside it: it has its turn once nobody works in it. */
  keepBusyPiece({ detail }) {
    const names = (region) => region.getAttribute("hx-select-oob").split(",");
    const region = [...document.querySelectorAll("[data-refresh-on][hx-select-oob]")].find((one) => names(one).includes(`#${detail.target.id}`));
    if (!region) return;
    if (!isBusy(detail.target)) return this.edited.push(...editedMenus(detail.target));
    detail.shouldSwap = false;
    this.owed.add(region);
  }

  /** What was typed in a menu that is closed now is there when it is opened again, if it still is on offer. */
  putBack() {
    for (const menu of this.edited.splice(0)) document.getElementById(menu.id)?.replaceWith(menu);
  }

  /** After a reset: the page's own text anew in the background, field by field, and the charts' numbers. */
  async loadAgain() {
    const answer = await inBackground(location.href).catch(() => null);
    if (!answer?.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const object of document.querySelectorAll("[data-object]")) {
      const twin = fresh.querySelector(`[data-object="${CSS.escape(object.dataset.object)}"]`);
      if (twin && !isBusy(object)) copyFields(object, twin);
    }
    document.querySelectorAll("[data-refresh-on]").forEach((region) => this.refreshSoon(region));
    document.dispatchEvent(new CustomEvent("tb:reload"));
  }

  /** One sentence in ten seconds for those who listen to the page. */
  speak(kind, payload) {
    const sentence = isWorthSaying(kind, payload) && sentenceOf(kind, payload);
    if (!sentence || Date.now() - (this.spoke || 0) < SAY_EVERY) return;
    this.spoke = Date.now();
    this.say(sentence);
  }

  say(sentence) {
    if (sentence) document.querySelector("[data-announce]")?.replaceChildren(element("p", "", { textContent: sentence }));
  }
}

/** Whether the viewer wants to hear of it: of everything, of bests and of ends of experiments, or of nothing. */
function isWorthSaying(kind, payload) {
  const { spoken } = document.documentElement.dataset;
  return !spoken || (spoken.startsWith("bests") && (kind === "experiment" || payload.best));
}

/** What is worth saying aloud about an event, or nothing. */
export function sentenceOf(kind, payload) {
  if (kind === "trial" && ENDED.has(payload.status)) {
    const value = payload.value === null || payload.value === undefined ? "" : `, ${number(payload.value)}`;
    return `Trial ${payload.number} ${statusWords(payload.status).toLowerCase()}${value}${payload.best ? ", new best" : ""}`;
  }
  if (kind !== "experiment" || !ENDED.has(payload.status)) return "";
  return `${payload.name || "The experiment"}: ${statusWords(payload.status).toLowerCase()}`;
}

function copyFields(object, twin) {
  const fresh = new Map([...twin.querySelectorAll("[data-field]")].map((field) => [field.dataset.field + field.tagName, field]));
  for (const field of object.querySelectorAll("[data-field]")) {
    const source = fresh.get(field.dataset.field + field.tagName);
    if (!source || field.isEqualNode(source)) continue;
    field.replaceChildren(...[...source.childNodes].map((node) => document.importNode(node, true)));
    for (const { name, value } of source.attributes) field.setAttribute(name, value);
  }
}
