/**
 * The chart core: a frame of fixed height, two axes, series of points and lines on a canvas.
 *
 * A chart gives it a model: {x, y, series, legend}. An axis is {label, kind, categories, whole}; a series is
 * {name, draw: "points" | "line" | "step", xs, ys, colour, width, alpha, shape(i), tint(i), words(i), href(i), quiet}.
 * Arrays may grow in place: call update(), the axes move only when the data no longer fit.
 */

import { element } from "../dom.js";
import { Pointer } from "./pointer.js";
import { extent, grownDomain, scale } from "./scales.js";
import { adoptStyle } from "./style.js";
import { mark, palette, watchTheme } from "./theme.js";
import { Tools } from "./tools.js";

const RADIUS = 4;
const BOTTOM = 40;
const RIGHT = 16;
const MANY = 1500;

export class Chart {
  constructor(figure, { title = "", empty = "Nothing to draw yet." } = {}) {
    adoptStyle();
    this.figure = figure;
    this.title = title || figure.querySelector("figcaption h2, figcaption h3, figcaption")?.textContent.trim() || "Chart";
    this.emptyWords = figure.dataset.empty || empty;
    this.model = null;
    this.domains = { x: null, y: null };
    this.zoom = null;
    this.sprites = new Map();
    this.buildFrame();
    this.tools = new Tools(this);
    this.pointer = new Pointer(this);
    new ResizeObserver(() => this.update()).observe(this.frame);
    watchTheme(() => this.repaint());
  }

  buildFrame() {
    this.frame = this.figure.querySelector(".chart-frame") || element("div", "chart-frame");
    if (!this.frame.isConnected) this.figure.querySelector("figcaption")?.after(this.frame) ?? this.figure.prepend(this.frame);
    this.stage = element("div", "chart-stage", { tabIndex: 0, role: "application" });
    this.stage.setAttribute("aria-roledescription", "chart");
    this.canvas = document.createElement("canvas");
    this.overlay = document.createElement("canvas");
    this.stage.append(this.canvas, this.overlay);
    this.tip = element("div", "chart-tip", { hidden: true });
    this.note = element("div", "chart-note", { hidden: true });
    this.message = element("div", "chart-message", { hidden: true });
    this.words = element("div", "chart-words", { role: "status" });
    this.frame.replaceChildren(this.stage, this.tip, this.note, this.message, this.words);
  }

  /** Draw another model; the axes start afresh. */
  set(model) {
    this.model = model;
    this.domains = { x: null, y: null };
    this.zoom = null;
    this.pointer.forget();
    this.update();
  }

  /** Draw again at the next frame; call it after points were added. */
  update() {
    if (this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      this.draw();
    });
  }

  repaint() {
    this.colours = null;
    this.sprites.clear();
    this.update();
  }

  /** Words in the place of the drawing, with an optional button; null takes them away. */
  say(text, action = null) {
    this.message.replaceChildren();
    this.message.hidden = text === null;
    this.stage.style.visibility = text === null ? "" : "hidden";
    this.tools.root.style.visibility = text === null ? "" : "hidden";
    if (text !== null) this.message.append(element("p", "", { textContent: text }));
    if (action) {
      const button = element("button", "button", { type: "button", textContent: action.words });
      button.addEventListener("click", action.run);
      this.message.append(button);
    }
  }

  isEmpty() {
    return !this.model || !this.model.series.some((series) => series.ys.some((y) => y !== null && Number.isFinite(y)));
  }

  draw() {
    const { clientWidth: width, clientHeight: height } = this.frame;
    if (!width || !height || !this.model) return;
    if (this.isEmpty()) return this.say(this.emptyWords);
    this.say(null);
    this.colours ||= palette(this.frame);
    this.width = width;
    this.height = height;
    this.ratio = window.devicePixelRatio || 1;
    this.fitAxes();
    const ctx = this.prepare(this.canvas);
    this.drawAxes(ctx);
    this.clip(ctx, () => this.model.series.forEach((series) => this.drawSeries(ctx, series)));
    this.drawLegend(ctx);
    this.stage.setAttribute("aria-label", `${this.title}. ${this.model.summary || ""} Arrow keys walk the points.`);
    this.pointer.refresh();
    this.tools.refresh();
  }

  prepare(canvas) {
    const [w, h] = [Math.round(this.width * this.ratio), Math.round(this.height * this.ratio)];
    if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
    const ctx = canvas.getContext("2d");
    ctx.setTransform(this.ratio, 0, 0, this.ratio, 0, 0);
    ctx.clearRect(0, 0, this.width, this.height);
    ctx.font = `12px ${this.colours.font}`;
    return ctx;
  }

  fitAxes() {
    const { x, y } = this.model;
    this.legendRows = this.layLegend();
    const top = this.legendRows.top;
    const counts = { x: tickCount(this.width - 64, 88), y: tickCount(this.height - top - BOTTOM, 44) };
    this.fitDomain("x", x, counts.x);
    this.fitDomain("y", y, counts.y);
    const [x0, x1] = this.zoom?.x || this.domains.x;
    const [y0, y1] = this.zoom?.y || this.domains.y;
    this.x = scale(x.kind, x0, x1, x.categories);
    this.y = scale(y.kind, y0, y1, y.categories);
    this.box = { left: 0, top, right: this.width - RIGHT, bottom: this.height - BOTTOM };
    this.yTicks = this.y.ticks(counts.y);
    this.box.left = this.leftMargin();
    this.xTicks = this.x.ticks(counts.x);
    if (x.whole) this.xTicks = this.xTicks.filter((tick) => Number.isInteger(tick.value)).map(({ value }) => ({ value, text: String(value) }));
  }

  fitDomain(name, axis, count) {
    if (axis.kind === "category") return (this.domains[name] = [0, axis.categories.length]);
    const reach = axis.reach ? axis.reach() : this.reach(name, axis.kind);
    if (reach) this.domains[name] = grownDomain(this.domains[name], reach[0], reach[1], axis.kind, count);
    this.domains[name] ||= axis.kind === "log" ? [0.1, 10] : [0, 1];
  }

  reach(name, kind) {
    const reaches = this.model.series.map((series) => extent(series[`${name}s`], kind)).filter(Boolean);
    return reaches.length ? [Math.min(...reaches.map((r) => r[0])), Math.max(...reaches.map((r) => r[1]))] : null;
  }

  leftMargin() {
    const ctx = this.canvas.getContext("2d");
    ctx.font = `12px ${this.colours.font}`;
    const widest = Math.max(...this.yTicks.map((tick) => ctx.measureText(tick.text).width), 16);
    return Math.ceil((widest + 14) / 8) * 8;
  }

  px(value) {
    return this.box.left + this.x.at(value) * (this.box.right - this.box.left);
  }

  py(value) {
    const fraction = this.y.at(value);
    return this.box.bottom - fraction * (this.box.bottom - this.box.top);
  }

  clip(ctx, paint) {
    const { left, top, right, bottom } = this.box;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left - RADIUS, top - RADIUS, right - left + 2 * RADIUS, bottom - top + 2 * RADIUS);
    ctx.clip();
    paint();
    ctx.restore();
  }

  drawAxes(ctx) {
    const { left, top, right, bottom } = this.box;
    ctx.lineWidth = 1;
    ctx.strokeStyle = this.colours.grid;
    ctx.fillStyle = this.colours.soft;
    ctx.textBaseline = "middle";
    ctx.textAlign = "right";
    ctx.beginPath();
    for (const tick of this.yTicks) {
      const y = Math.round(this.py(tick.value)) + 0.5;
      ctx.moveTo(left, y);
      ctx.lineTo(right, y);
      ctx.fillText(tick.text, left - 8, y);
    }
    ctx.stroke();
    this.drawXTicks(ctx);
    ctx.textAlign = "right";
    ctx.fillText(this.model.x.label || "", right, bottom + 30);
  }

  drawXTicks(ctx) {
    const { left, right, bottom } = this.box;
    let free = -Infinity;
    ctx.textAlign = "center";
    ctx.strokeStyle = this.colours.soft;
    ctx.beginPath();
    ctx.moveTo(left, bottom + 0.5);
    ctx.lineTo(right, bottom + 0.5);
    for (const tick of this.xTicks) {
      const x = Math.round(this.px(tick.value)) + 0.5;
      const half = ctx.measureText(tick.text).width / 2;
      ctx.moveTo(x, bottom);
      ctx.lineTo(x, bottom + 4);
      if (x - half < free + 8) continue;
      free = x + half;
      ctx.fillText(tick.text, Math.min(x, this.width - half - 2), bottom + 14);
    }
    ctx.stroke();
  }

  /** Where the words above the drawing go: beside the tools when they fit there, else in rows below them. */
  layLegend() {
    const ctx = this.canvas.getContext("2d");
    ctx.font = `12px ${this.colours.font}`;
    const items = [{ words: this.model.y.label }, ...(this.model.legend?.() || [])];
    const sized = items.map((item) => ({ ...item, room: ctx.measureText(item.words).width + (item.draw ? 18 : 0) }));
    const free = this.width - this.tools.root.offsetWidth - 24;
    const whole = sized.reduce((sum, item) => sum + item.room + 16, 0);
    if (whole < free) return { places: place(sized, Infinity, 14), top: 36 };
    const places = place(sized, this.width - 8, 42);
    return { places, top: places.at(-1).y + 18 };
  }

  drawLegend(ctx) {
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    for (const { item, x, y } of this.legendRows.places) {
      if (item.draw) item.draw(ctx, x + 6, y, this.colours);
      ctx.fillStyle = this.colours.soft;
      ctx.fillText(item.words, x + (item.draw ? 18 : 0), y);
    }
  }

  drawSeries(ctx, series) {
    if (series.draw === "points") this.drawPoints(ctx, series);
    else this.drawLine(ctx, series);
  }

  drawLine(ctx, series, looks) {
    if (series.halo && !looks) this.stroke(ctx, series, { width: series.width + 3, colour: "surface", alpha: 0.8 });
    this.stroke(ctx, series, looks);
  }

  stroke(ctx, series, { width = series.width || 1.5, alpha = series.alpha ?? 1, colour = series.colour } = {}) {
    ctx.globalAlpha = alpha;
    ctx.lineWidth = width;
    ctx.lineJoin = "round";
    ctx.strokeStyle = this.colours[colour] || colour;
    ctx.beginPath();
    let open = false;
    let last = 0;
    for (let i = 0; i < series.xs.length; i++) {
      const [x, y] = [this.px(series.xs[i]), series.ys[i] === null ? NaN : this.py(series.ys[i])];
      if (!Number.isFinite(x) || !Number.isFinite(y)) {
        open = false;
        continue;
      }
      if (open && series.draw === "step") ctx.lineTo(x, last);
      if (open) ctx.lineTo(x, y);
      else ctx.moveTo(x, y);
      open = true;
      last = y;
    }
    if (open && series.draw === "step" && series.until !== undefined) ctx.lineTo(this.px(series.until()), last);
    ctx.stroke();
    ctx.globalAlpha = 1;
  }

  drawPoints(ctx, series) {
    const many = series.xs.length > MANY;
    const size = many ? 11 : 16;
    ctx.globalAlpha = many ? 0.7 : 1;
    for (let i = 0; i < series.xs.length; i++) {
      const place = this.place(series, i);
      if (!place) continue;
      const sprite = this.sprite(place.beyond || series.shape(i), this.colours[series.tint(i)] || series.tint(i));
      ctx.drawImage(sprite, place.x - size / 2, place.y - size / 2, size, size);
    }
    ctx.globalAlpha = 1;
  }

  /**
   * Where point i of a series is on the canvas, or null when it has no place. A rug point sits on the lower axis; what
   * lies beyond a clipped axis sits on its edge and says so by its shape.
   */
  place(series, i) {
    const x = this.px(series.xs[i]);
    const value = series.ys[i];
    let y = value === null || value === undefined ? NaN : this.py(value);
    if (!Number.isFinite(y) && series.rug) y = this.box.bottom - RADIUS;
    if (!Number.isFinite(x) || !Number.isFinite(y)) return null;
    if (this.zoom || !this.model.y.clipped) return { x, y };
    if (y < this.box.top) return { x, y: this.box.top, beyond: "up" };
    return y > this.box.bottom ? { x, y: this.box.bottom, beyond: "down" } : { x, y };
  }

  sprite(shape, colour) {
    const key = shape + colour + this.ratio;
    if (!this.sprites.has(key)) {
      const canvas = document.createElement("canvas");
      canvas.width = canvas.height = 16 * this.ratio;
      const ctx = canvas.getContext("2d");
      ctx.scale(this.ratio, this.ratio);
      mark(ctx, shape, 8, 8, RADIUS, colour);
      this.sprites.set(key, canvas);
    }
    return this.sprites.get(key);
  }

  isInside({ x, y }) {
    const { left, top, right, bottom } = this.box;
    return x >= left - 1 && x <= right + 1 && y >= top - 1 && y <= bottom + 1;
  }

  /** Rows of what is drawn, for CSV and for the table: [["series", "x", "y"], ...]. */
  rows() {
    const rows = [["series", this.model.x.label || "x", this.model.y.name || "y"]];
    for (const series of this.model.series) {
      if (series.derived) continue;
      series.xs.forEach((x, i) => rows.push([series.name, x, series.ys[i]]));
    }
    return rows;
  }
}

function tickCount(length, room) {
  return Math.max(2, Math.round(length / room));
}

/** Items one after the other, in rows that end before a width: [{item, x, y}]. */
function place(items, end, y) {
  const places = [];
  let x = 8;
  for (const item of items) {
    if (x > 8 && x + item.room > end) [x, y] = [8, y + 18];
    places.push({ item, x, y });
    x += item.room + 16;
  }
  return places;
}
