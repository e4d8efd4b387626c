/**
 * Parallel coordinates: one axis per parameter (and one for the value), one line per trial or suggestion.
 * A trial without a parameter passes through that axis's "not active" lane. Drag along an axis to keep only the lines
 * that cross there; click the axis's name to let them all back. A finger reads a line with a tap and opens it with another.
 */

import { element } from "../dom.js";
import { number, toNumber } from "../format.js";
import { Brushing } from "./brushing.js";
import { cells, hrefOf, ranks, worthReach } from "./data.js";
import { fit, named } from "./names.js";
import { plural } from "./plural.js";
import { extent, niceDomain, scale } from "./scales.js";
import { select } from "./selection.js";
import { adoptStyle } from "./style.js";
import { palette, shade, watchTheme } from "./theme.js";

const LEAST_ROOM = 50;
const TOPS = [10, 20, 50, 100, 200];
const GROUPS = 5;
const TOP = 44;
const BOTTOM = 40;
const SIDE = 56;
const NARROW = 560;
const NARROW_LEFT = 28; // the first axis writes to its right, so there only its name needs room
const AXIS_ROOM = 96;
const HAIR = 1; // one pixel: a line that is any wider takes a browser without a graphics card several times as long

export function mountParallel(figure, payload, events) {
  const plot = new Parallel(figure, payload);
  if (payload.chart !== "sample") return null; // a preview stays as it was asked for
  events?.refetch();
  return (fresh) => plot.take(fresh);
}

class Parallel {
  constructor(figure, payload) {
    adoptStyle();
    this.figure = figure;
    this.href = hrefOf(figure);
    this.title = figure.querySelector("figcaption")?.textContent.trim() || "Parallel coordinates";
    this.spot = null;
    this.top = 0;
    this.axes = [];
    this.frame = figure.querySelector(".chart-frame");
    this.build();
    this.take(payload);
    new ResizeObserver(() => this.isFitting() || this.draw()).observe(this.frame); // which looks once at the start too
    watchTheme(() => {
      this.colours = null;
      this.draw();
    });
  }

  /** Draw other numbers; what was brushed stays brushed. */
  take(payload) {
    const { axes, rows, value } = payload.columns ? turned(payload) : payload;
    const brushes = new Map(this.axes.map((axis) => [axis.name, axis.brush]));
    this.goal = payload.goal;
    this.names = payload.number;
    this.values = value ? value.map(toNumber) : null;
    this.rows = rows.map((row, i) => (value ? [...row, this.values[i]] : row));
    const last = value ? [{ name: payload.metric || "value", scale: "linear", isValue: true }] : [];
    this.axes = [...axes, ...last].map((axis, i) => this.axis(axis, i));
    for (const axis of this.axes) axis.brush = brushes.get(axis.name) || null;
    this.rank = this.values ? ranks(this.values, this.goal) : null;
    this.spot = null;
    const size = `${plural(this.rows.length, "row")} over ${this.axes.length} axes`;
    const best = this.rank ? this.rank.indexOf(0) : -1;
    const summary = this.figure?.querySelector("[data-summary]");
    if (summary) summary.textContent = !this.rows.length ? "" : best < 0 ? `${size}.` : `${size}; the best is trial ${this.names[best]} with ${number(this.values[best])}.`;
    this.stage.setAttribute("aria-label", `Parallel coordinates of ${size}. Arrow keys walk the rows.`);
    this.message.hidden = this.rows.length > 0;
    this.stage.style.visibility = this.rows.length ? "" : "hidden"; // bare axes would stand behind the words
    if (this.chooser) this.chooser.hidden = !this.rank || this.rows.length < 10;
    this.draw();
  }

  axis(axis, place) {
    const values = this.rows.map((row) => row[place]);
    const known = axis.isValue ? worthReach(values.map(toNumber), this.goal, "linear") : extent(values.map(toNumber), axis.scale);
    const [low, high] = [axis.min ?? known?.[0] ?? 0, axis.max ?? known?.[1] ?? 1];
    const made = axis.scale === "category" ? scale("category", 0, 1, axis.values) : scale(axis.scale, ...this.domain(axis, low, high));
    const inactive = values.some((value) => value === null || value === undefined);
    return { ...axis, scale: made, brush: null, inactive };
  }

  domain(axis, low, high) {
    if (axis.min !== undefined && axis.min < axis.max) return [axis.min, axis.max];
    return niceDomain(low, high, axis.scale, 5);
  }

  build() {
    this.stage = element("div", "chart-stage", { tabIndex: 0, role: "application" });
    this.stage.setAttribute("aria-roledescription", "chart");
    this.canvas = document.createElement("canvas");
    this.overlay = document.createElement("canvas");
    this.stage.append(this.canvas, this.overlay);
    this.tip = element("div", "chart-tip", { hidden: true });
    this.words = element("div", "chart-words", { role: "status" });
    this.message = element("div", "chart-message", { textContent: this.figure.dataset.empty || "Nothing to draw yet." });
    this.frame.replaceChildren(this.stage, this.tip, this.words, this.message);
    if (this.figure.dataset.src) this.buildTools();
    this.brushing = new Brushing(this);
  }

  buildTools() {
    const bar = element("div", "chart-tools");
    this.chooser = element("select", "", { ariaLabel: "Which trials" });
    this.chooser.append(new Option("all trials", 0));
    for (const count of TOPS) this.chooser.append(new Option(`best ${count}`, count));
    this.chooser.addEventListener("change", () => {
      this.top = Number(this.chooser.value);
      this.brushed();
    });
    this.clear = element("button", "", { type: "button", textContent: "Clear brushes", hidden: true });
    this.clear.addEventListener("click", () => {
      for (const axis of this.axes) axis.brush = null;
      this.brushed();
    });
    bar.append(this.clear, this.chooser);
    this.figure.querySelector("figcaption").append(bar);
    bar.style.position = "static";
    bar.style.marginLeft = "auto";
  }

  /** The rows that cross every brushed part. */
  kept() {
    return this.rows.map((row, index) =>
      (!this.top || (this.rank?.[index] ?? Infinity) < this.top) &&
      this.axes.every((axis, i) => {
        if (!axis.brush) return true;
        const at = this.fraction(axis, row[i]);
        return at !== null && at >= axis.brush[0] && at <= axis.brush[1];
      }),
    );
  }

  fraction(axis, value) {
    if (value === null || value === undefined) return null;
    const at = axis.scale.at(axis.scale.kind === "category" ? value : toNumber(value));
    if (!Number.isFinite(at)) return null;
    return axis.isValue ? Math.max(0, Math.min(1, at)) : at;
  }

  x(i) {
    const left = this.room < NARROW ? NARROW_LEFT : SIDE;
    const width = this.width - left - SIDE;
    return left + (this.axes.length > 1 ? (i * width) / (this.axes.length - 1) : width / 2);
  }

  y(fraction) {
    const bottom = this.height - BOTTOM;
    return fraction === null ? this.height - 14 : bottom - fraction * (bottom - TOP);
  }

  isFitting() {
    return this.room === this.frame.clientWidth && this.height === this.frame.clientHeight;
  }

  draw() {
    this.room = this.frame.clientWidth;
    this.width = Math.max(this.room, (this.axes.length - 1) * LEAST_ROOM + NARROW_LEFT + SIDE);
    this.height = this.frame.clientHeight;
    if (!this.height || !this.rows) return;
    const isWide = this.width > this.room; // then the frame scrolls
    this.stage.style.right = isWide ? "auto" : "";
    this.stage.style.width = isWide ? `${this.width}px` : "";
    this.frame.style.overflowX = isWide ? "auto" : "";
    this.colours ||= palette(this.frame);
    const ctx = this.prepare(this.canvas);
    const kept = this.kept();
    const [out, groups] = [[], Array.from({ length: GROUPS }, () => [])];
    this.rows.forEach((row, i) => (kept[i] ? groups[this.groupOf(i)].push(row) : out.push(row)));
    const count = this.rows.length - out.length;
    const alpha = Math.max(0.3, Math.min(0.85, 60 / Math.max(1, count)));
    this.lines(ctx, out, this.colours.grid, HAIR, 0.7);
    groups.forEach((rows, place) => {
      const tone = this.rank ? shade(this.colours, place / (GROUPS - 1)) : this.colours.hue1;
      this.lines(ctx, rows, tone, place === GROUPS - 1 && this.rank ? 2 : HAIR, place === GROUPS - 1 ? Math.max(alpha, 0.8) : alpha);
    });
    this.axes.forEach((axis, i) => this.drawAxis(ctx, axis, i));
    if (this.clear) this.clear.hidden = !this.axes.some((axis) => axis.brush);
    this.drawSpot();
  }

  /** Which strength a row is drawn in: the best tenth on top, those without a value at the bottom. */
  groupOf(i) {
    if (!this.rank) return 0;
    if (this.rank[i] === null) return 0;
    const ranked = this.rank.length;
    return Math.max(0, GROUPS - 1 - Math.floor((this.rank[i] / ranked) * (GROUPS - 1) + 0.9));
  }

  prepare(canvas) {
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [Math.round(this.width * ratio), Math.round(this.height * ratio)];
    if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
    const ctx = canvas.getContext("2d");
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, this.width, this.height);
    ctx.font = `12px ${this.colours.font}`;
    return ctx;
  }

  drawSpot() {
    const ctx = this.prepare(this.overlay);
    if (this.spot !== null) this.lines(ctx, [this.rows[this.spot]], this.colours.ink, 2.5, 1);
  }

  /** Rows as lines of one look. Many strokes of few lines each: one path of a thousand lines is slow to fill in. */
  lines(ctx, rows, colour, width, alpha) {
    if (!rows.length) return;
    ctx.globalAlpha = alpha;
    ctx.strokeStyle = colour;
    ctx.lineWidth = width;
    ctx.lineJoin = "bevel";
    const xs = this.axes.map((_, i) => this.x(i));
    for (const row of rows) {
      ctx.beginPath();
      for (let i = 0; i < xs.length; i++) ctx.lineTo(xs[i], this.y(this.fraction(this.axes[i], row[i])));
      ctx.stroke();
    }
    ctx.globalAlpha = 1;
  }

  drawAxis(ctx, axis, i) {
    const x = Math.round(this.x(i)) + 0.5;
    const room = this.axes.length > 1 ? this.x(1) - this.x(0) : this.width;
    ctx.strokeStyle = this.colours.soft;
    ctx.lineWidth = 1;
    ctx.strokeRect(x, TOP, 0, this.height - BOTTOM - TOP);
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillStyle = this.colours.ink;
    const names = this.axes.map((one) => one.name);
    ctx.fillText(named(ctx, axis.name, names, Math.min(room - 8, 2 * SIDE)), x, i % 2 && room < AXIS_ROOM ? 28 : 12);
    this.drawTicks(ctx, axis, x, i, room);
    if (axis.inactive) {
      const isLeft = i > 0 && !axis.isValue;
      ctx.textAlign = isLeft ? "right" : "left";
      const words = axis.isValue ? fit(ctx, "no value", SIDE - 4) : fit(ctx, "not active", room - 4);
      const at = x + (axis.isValue ? 4 : isLeft ? -8 : 8);
      ctx.strokeText(words, at, this.height - 14);
      ctx.fillText(words, at, this.height - 14);
    }
    if (axis.brush) {
      ctx.fillStyle = this.colours.accent;
      ctx.globalAlpha = 0.35;
      ctx.fillRect(x - 6, this.y(axis.brush[1]), 12, this.y(axis.brush[0]) - this.y(axis.brush[1]));
      ctx.globalAlpha = 1;
    }
  }

  drawTicks(ctx, axis, x, i, room) {
    const last = this.axes.length - 1;
    const isLeft = i === last && i > 0 && !axis.isValue; // names of choices may be long; beside a value's axis is room
    const isShared = i >= last - 1 && !this.axes[last].isValue; // the two last write into the same room
    const free = axis.isValue ? SIDE - 8 : (isShared ? room / 2 : room) - 12;
    ctx.textAlign = isLeft ? "right" : "left";
    ctx.lineWidth = 3;
    ctx.strokeStyle = this.colours.surface;
    ctx.fillStyle = this.colours.soft;
    for (const tick of axis.scale.ticks(Math.max(2, Math.floor((this.height - TOP - BOTTOM) / 36)))) {
      const y = this.y(this.fraction(axis, tick.value));
      const words = fit(ctx, tick.text, Math.max(24, free));
      ctx.strokeText(words, x + (isLeft ? -6 : 6), y);
      ctx.fillText(words, x + (isLeft ? -6 : 6), y);
    }
  }

  /** The axis beside a place; null for none. */
  axisNear({ x }) {
    const found = this.axes.findIndex((_, i) => Math.abs(this.x(i) - x) < 12);
    return found < 0 ? null : found;
  }

  /** Whether a place is beside the drawing, not at the names above it. */
  isBelowNames({ y }) {
    return y > TOP - 12;
  }

  toFraction(y) {
    const bottom = this.height - BOTTOM;
    return Math.max(0, Math.min(1, (bottom - y) / (bottom - TOP)));
  }

  /** Tell the other charts and the table which rows are kept, and the page how to ask for them. */
  brushed() {
    this.draw();
    const rows = this.kept();
    const query = this.query();
    const isAll = !query && !this.top;
    if (this.names && this.figure.dataset.src) select(this.figure, isAll ? null : new Set(this.names.filter((_, i) => rows[i])));
    const detail = { rows, axes: this.axes, names: this.names, cells: this.rows, query: query || (isAll ? "" : "status:succeeded"), href: this.href };
    this.figure.dispatchEvent(new CustomEvent("tb:brush", { bubbles: true, detail }));
    this.words.textContent = `${rows.filter(Boolean).length} of ${rows.length} rows kept`;
  }

  /** The brushes in the words of the filter. */
  query() {
    return this.axes.filter((axis) => axis.brush).map(termsOf).join(" ");
  }

  /** The kept row whose line passes nearest to a place, within a few pixels. */
  nearest(here) {
    const kept = this.kept();
    const right = this.axes.findIndex((_, i) => this.x(i) >= here.x);
    const left = right <= 0 ? 0 : right - 1;
    if (right < 0 || this.axes.length < 2) return null;
    const share = right <= 0 ? 0 : (here.x - this.x(left)) / (this.x(right) - this.x(left));
    let [best, distance] = [null, 12];
    this.rows.forEach((row, i) => {
      if (!kept[i]) return;
      const from = this.y(this.fraction(this.axes[left], row[left]));
      const to = this.y(this.fraction(this.axes[Math.max(right, 0)], row[Math.max(right, 0)]));
      const away = Math.abs(from + (to - from) * share - here.y);
      if (away < distance) [best, distance] = [i, away];
    });
    return best;
  }

  show(row, here = null) {
    if (row === this.spot && row === null) return;
    this.spot = row;
    this.tip.hidden = row === null;
    this.stage.style.cursor = row !== null && this.href ? "pointer" : "";
    this.drawSpot();
    if (row === null) return;
    this.tip.textContent = this.wordsOf(row);
    const place = here || { x: this.x(0), y: TOP };
    const left = place.x + 16 + this.tip.offsetWidth > this.width ? place.x - 16 - this.tip.offsetWidth : place.x + 16;
    this.tip.style.left = `${Math.max(0, left)}px`;
    this.tip.style.top = `${Math.max(0, Math.min(this.height - this.tip.offsetHeight, place.y - 20))}px`;
  }

  /** To the next or previous row, said aloud. */
  walk(step) {
    const row = this.spot === null ? (step > 0 ? 0 : this.rows.length - 1) : (this.spot + step + this.rows.length) % this.rows.length;
    this.show(row);
    this.words.textContent = this.wordsOf(row);
  }

  wordsOf(row) {
    const head = this.names ? `Trial ${this.names[row]}` : `Suggestion ${row + 1}`;
    const parts = this.axes.map((axis, i) => {
      const value = this.rows[row][i];
      return `${axis.name}: ${value === null || value === undefined ? "not active" : typeof value === "number" ? number(value) : value}`;
    });
    return [head, ...parts].join("\n");
  }
}

/** The rows of a payload whose numbers come by column. */
function turned({ axes, columns, number: names, value }) {
  const byAxis = columns.map((column, i) => cells(axes[i], column));
  return { axes, rows: names.map((_, i) => byAxis.map((column) => column[i])), value };
}

/** One brush as terms of the filter: ends for numbers, alternatives for categories. */
function termsOf(axis) {
  const name = axis.isValue ? "value" : axis.name;
  if (axis.scale.kind === "category") {
    const inside = axis.values.filter((value) => axis.scale.at(value) >= axis.brush[0] && axis.scale.at(value) <= axis.brush[1]);
    return `${name}:${inside.map((value) => (/[\s,()"]/.test(value) ? `"${value}"` : value)).join(",")}`;
  }
  const [low, high] = axis.brush.map((fraction) => Number(axis.scale.value(fraction).toPrecision(4)));
  return `${name}>=${low} ${name}<=${high}`;
}
