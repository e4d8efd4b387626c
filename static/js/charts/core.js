/**
 * The chart core: a frame of fixed height, two axes, series of points and lines on a canvas.
 *
 * A chart gives it a model: {x, y, series, legend}. An axis is {label, kind, categories, whole}; a series is
 * {name, draw: "points" | "line" | "step", xs, ys, colour, width, dash, alpha, shape(i), tint(i), words(i), href(i), quiet,
 * paint(ctx, chart) for what draws itself, dim(i) for points that stand back}.
 * Arrays may grow in place: call update(), the axes move only when the data no longer fit.
 */

import { element } from "../dom.js";
import { Axes } from "./axes.js";
import { Pointer } from "./pointer.js";
import { adoptStyle } from "./style.js";
import { mark, palette, watchTheme } from "./theme.js";
import { Tools } from "./tools.js";

const RADIUS = 4;
const MANY = 1500;

export class Chart {
  constructor(figure, { title = "", empty = "Nothing to draw yet." } = {}) {
    adoptStyle();
    this.figure = figure;
    this.title = title || figure.querySelector("figcaption h2, figcaption h3, figcaption")?.textContent.trim() || "Chart";
    this.emptyWords = figure.dataset.empty || empty;
    this.summary = figure.querySelector("[data-summary]");
    this.model = null;
    this.axes = new Axes();
    this.sprites = new Map();
    this.buildFrame();
    this.tools = new Tools(this);
    this.pointer = new Pointer(this);
    new ResizeObserver(() => this.isFitting() || this.update()).observe(this.frame); // which looks once at the start too
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
    this.axes.forget();
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

  isFitting() {
    return this.width === this.frame.clientWidth && this.height === this.frame.clientHeight;
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
    const isThere = this.model?.y.kind === "category" ? (y) => y !== null : (y) => y !== null && Number.isFinite(y);
    return !this.model || !this.model.series.some((series) => series.ys.some(isThere));
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
    const ctx = this.prepare(this.canvas);
    this.axes.fit(ctx, this.model, { width, height }, this.tools.root.offsetWidth);
    this.axes.draw(ctx, this.colours);
    this.clip(ctx, () => this.model.series.forEach((series) => this.drawSeries(ctx, series)));
    this.axes.drawLegend(ctx, this.colours);
    this.stage.setAttribute("aria-label", `${this.title}. ${this.model.summary || ""} Arrow keys walk the points.`);
    if (this.summary && this.summary.textContent !== (this.model.summary || "")) {
      this.summary.textContent = this.summary.title = this.model.summary || "";
    }
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

  clip(ctx, paint) {
    const { left, top, right, bottom } = this.axes.box;
    ctx.save();
    ctx.beginPath();
    ctx.rect(left - RADIUS, top - RADIUS, right - left + 2 * RADIUS, bottom - top + 2 * RADIUS);
    ctx.clip();
    paint();
    ctx.restore();
  }

  drawSeries(ctx, series) {
    if (series.paint) series.paint(ctx, this);
    else if (series.draw === "points") this.drawPoints(ctx, series);
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
    ctx.setLineDash(series.dash || []);
    ctx.beginPath();
    let open = false;
    let last = 0;
    for (let i = 0; i < series.xs.length; i++) {
      const [x, y] = [this.axes.px(series.xs[i]), series.ys[i] === null ? NaN : this.axes.py(series.ys[i])];
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
    if (open && series.draw === "step" && series.until !== undefined) ctx.lineTo(this.axes.px(series.until()), last);
    ctx.stroke();
    ctx.setLineDash([]);
    ctx.globalAlpha = 1;
  }

  drawPoints(ctx, series) {
    const many = series.xs.length > MANY;
    const size = many ? 11 : 16;
    const alpha = series.alpha ?? (many ? 0.7 : 1);
    ctx.globalAlpha = alpha;
    for (let i = 0; i < series.xs.length; i++) {
      const place = this.place(series, i);
      if (!place) continue;
      if (series.dim) ctx.globalAlpha = series.dim(i) ? 0.12 : alpha;
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
    const x = this.axes.px(series.xs[i]);
    const value = series.ys[i];
    let y = value === null || value === undefined ? NaN : this.axes.py(value);
    if (!Number.isFinite(y) && series.rug) y = this.axes.box.bottom - RADIUS;
    if (!Number.isFinite(x) || !Number.isFinite(y)) return null;
    if (this.axes.zoom || !this.model.y.clipped) return { x, y };
    if (y < this.axes.box.top) return { x, y: this.axes.box.top, beyond: "up" };
    return y > this.axes.box.bottom ? { x, y: this.axes.box.bottom, beyond: "down" } : { x, y };
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
