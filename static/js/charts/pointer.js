/** What hand and keyboard do on a chart: hover, walk the points, zoom by dragging, reset. */

import { number } from "../format.js";
import { mark } from "./theme.js";

const NEAR = 32;
const DRAG = 6;

export class Pointer {
  constructor(chart) {
    this.chart = chart;
    this.spot = null;
    this.drag = null;
    const stage = chart.stage;
    stage.addEventListener("pointermove", (event) => this.moved(event));
    stage.addEventListener("pointerleave", () => this.left());
    stage.addEventListener("pointerdown", (event) => this.pressed(event));
    stage.addEventListener("pointerup", (event) => this.released(event));
    stage.addEventListener("pointercancel", () => this.cancelled());
    stage.addEventListener("dblclick", () => this.resetZoom());
    stage.addEventListener("keydown", (event) => this.key(event));
    stage.addEventListener("blur", () => this.left());
  }

  forget() {
    this.spot = null;
    this.seen = 0;
    this.hide();
  }

  at(event) {
    const box = this.chart.stage.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  moved(event) {
    const here = this.at(event);
    if (this.drag) {
      this.drag.to = here;
      return this.paint();
    }
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.show(this.nearest(here), false);
    });
  }

  left() {
    if (this.drag) return;
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    this.spot = null;
    this.hide();
  }

  pressed(event) {
    if (event.button !== 0 || event.pointerType === "touch") return;
    const here = this.at(event);
    if (!this.chart.axes.box || !this.chart.axes.isInside(here)) return;
    this.drag = { from: here, to: here };
    this.chart.stage.setPointerCapture(event.pointerId);
  }

  released(event) {
    const drag = this.drag;
    this.drag = null;
    const here = this.at(event);
    if (drag && Math.abs(here.x - drag.from.x) > DRAG) return this.zoomTo(drag.from, here);
    const spot = this.nearest(here);
    const target = spot?.series.href?.(spot.index);
    if (spot && event.pointerType === "touch") return this.show(spot, true);
    if (target) open(target, event.ctrlKey || event.metaKey);
    return this.paint();
  }

  cancelled() {
    this.drag = null;
    this.paint();
  }

  /** Zoom into the dragged part: along x, and along y as well when the drag was clearly two-dimensional. */
  zoomTo(from, to) {
    const { chart } = this;
    const { box } = chart.axes;
    const across = [from.x, to.x].sort((a, b) => a - b).map((x) => clamp((x - box.left) / (box.right - box.left)));
    const down = [from.y, to.y].sort((a, b) => b - a).map((y) => clamp((box.bottom - y) / (box.bottom - box.top)));
    const tall = Math.abs(to.y - from.y) > 24 && chart.axes.y.kind !== "category";
    if (chart.axes.x.kind === "category") return this.paint();
    this.setZoom({
      x: across.map((fraction) => chart.axes.x.value(fraction)),
      y: tall ? down.map((fraction) => chart.axes.y.value(fraction)) : chart.axes.zoom?.y || null,
    });
  }

  setZoom(zoom) {
    this.chart.axes.zoom = zoom;
    this.seen = this.count();
    this.chart.update();
    this.chart.figure.dispatchEvent(new CustomEvent("tb:zoom", { bubbles: true, detail: zoom }));
  }

  resetZoom() {
    if (this.chart.axes.zoom) this.setZoom(null);
  }

  zoomBy(factor) {
    const { chart } = this;
    const middle = this.spot ? chart.axes.x.at(this.spot.series.xs[this.spot.index]) : 0.5;
    if (chart.axes.x.kind === "category") return;
    const x = [middle - middle * factor, middle + (1 - middle) * factor].map((fraction) => chart.axes.x.value(fraction));
    const [low, high] = chart.axes.domains.x;
    if (x[0] <= low && x[1] >= high) return this.resetZoom();
    this.setZoom({ x: [Math.max(low, x[0]), Math.min(high, x[1])], y: chart.axes.zoom?.y || null });
  }

  walkable() {
    return this.chart.model.series.filter((series) => !series.quiet && series.xs.length);
  }

  count() {
    return this.walkable().reduce((sum, series) => sum + series.xs.length, 0);
  }

  /** The drawn point nearest to a place on the canvas, within reach; null when there is none. */
  nearest(here) {
    const { chart } = this;
    if (!chart.model || !chart.axes.box) return null;
    let best = null;
    let distance = NEAR * NEAR;
    for (const series of this.walkable()) {
      const under = series.under?.(here, chart) ?? null;
      if (under !== null) return { series, index: under };
      for (let index = 0; index < series.xs.length; index++) {
        const place = chart.place(series, index);
        if (!place || !chart.axes.isInside(place)) continue;
        const away = (place.x - here.x) ** 2 + (place.y - here.y) ** 2;
        if (away < distance) [best, distance] = [{ series, index }, away];
      }
    }
    return best;
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (!this.chart.axes.box) this.chart.draw(); // it has the focus before its first frame
    if (!this.chart.axes.box) return;
    const act = {
      ArrowRight: () => this.walk(1),
      ArrowLeft: () => this.walk(-1),
      ArrowUp: () => this.change(-1),
      ArrowDown: () => this.change(1),
      Home: () => this.jump(0),
      End: () => this.jump(-1),
      "+": () => this.zoomBy(0.5),
      "-": () => this.zoomBy(2),
      0: () => this.resetZoom(),
      Enter: () => this.enter(),
    }[event.key];
    const escape = event.key === "Escape" && (this.chart.axes.zoom || this.spot);
    if (escape) this.chart.axes.zoom ? this.resetZoom() : this.left();
    else if (!act) return;
    else act();
    event.preventDefault();
    event.stopPropagation();
  }

  walk(step) {
    const series = this.spot?.series || this.walkable()[0];
    if (!series) return;
    let index = this.spot ? this.spot.index + step : step > 0 ? 0 : series.xs.length - 1;
    while (index >= 0 && index < series.xs.length && !this.isShown(series, index)) index += step;
    if (index >= 0 && index < series.xs.length) this.show({ series, index }, true);
  }

  jump(end) {
    this.spot = null;
    this.walk(end === 0 ? 1 : -1);
  }

  change(step) {
    const all = this.walkable();
    if (!all.length) return;
    const next = all[(all.indexOf(this.spot?.series) + step + all.length) % all.length];
    const x = this.spot ? this.chart.axes.px(this.spot.series.xs[this.spot.index]) : 0;
    let index = 0;
    next.xs.forEach((value, i) => {
      if (Math.abs(this.chart.axes.px(value) - x) < Math.abs(this.chart.axes.px(next.xs[index]) - x)) index = i;
    });
    this.show({ series: next, index }, true);
  }

  isShown(series, index) {
    const place = this.chart.place(series, index);
    return place && this.chart.axes.isInside(place);
  }

  enter() {
    const target = this.spot?.series.href?.(this.spot.index);
    if (target) open(target, false);
  }

  /** Show one point: marker, words beside it, and the words spoken when the keyboard asked. */
  show(spot, announce) {
    this.spot = spot;
    this.chart.stage.style.cursor = spot?.series.href?.(spot.index) ? "pointer" : "";
    if (!spot) return this.hide();
    const words = pointWords(spot.series, spot.index);
    if (announce) this.chart.words.textContent = words;
    this.chart.tip.textContent = words;
    this.chart.tip.hidden = false;
    this.paint();
    this.placeTip();
  }

  placeTip() {
    const { chart } = this;
    const place = chart.place(this.spot.series, this.spot.index);
    if (!place) return this.hide();
    const { offsetWidth: width, offsetHeight: height } = chart.tip;
    const left = place.x + 12 + width > chart.width ? place.x - width - 12 : place.x + 12;
    chart.tip.style.left = `${Math.max(0, left)}px`;
    chart.tip.style.top = `${Math.max(0, Math.min(chart.height - height, place.y - height - 8))}px`;
  }

  hide() {
    this.chart.tip.hidden = true;
    this.paint();
  }

  /** Everything above the drawing: highlighted line and point, the dragged rectangle. */
  paint() {
    const { chart } = this;
    if (!chart.axes.box) return;
    const ctx = chart.prepare(chart.overlay);
    if (this.drag) this.paintDrag(ctx);
    if (!this.spot) return;
    const { series, index } = this.spot;
    if (!series.paint && series.draw !== "points") chart.clip(ctx, () => chart.drawLine(ctx, series, { width: 2.5, alpha: 1, colour: "ink" }));
    const place = chart.place(series, index);
    if (!place) return;
    mark(ctx, "disc", place.x, place.y, 7, chart.colours.surface);
    mark(ctx, "hollow", place.x, place.y, 7, chart.colours.ink);
    mark(ctx, series.shape?.(index) || "disc", place.x, place.y, 4, chart.colours[series.tint?.(index)] || chart.colours.ink);
  }

  paintDrag(ctx) {
    const { from, to } = this.drag;
    const { colours } = this.chart;
    const { box } = this.chart.axes;
    const tall = Math.abs(to.y - from.y) > 24;
    const [top, bottom] = tall ? [from.y, to.y] : [box.top, box.bottom];
    ctx.globalAlpha = 0.15;
    ctx.fillStyle = colours.accent;
    ctx.fillRect(from.x, top, to.x - from.x, bottom - top);
    ctx.globalAlpha = 1;
    ctx.strokeStyle = colours.accent;
    ctx.strokeRect(from.x, top, to.x - from.x, bottom - top);
  }

  /** After a redraw: keep the marker on its point, and tell of points that came outside a zoomed view. */
  refresh() {
    const { chart } = this;
    if (this.spot && !this.isShown(this.spot.series, this.spot.index)) this.left();
    if (this.spot && !chart.tip.hidden) this.placeTip();
    this.paint();
    const fresh = chart.axes.zoom ? this.countOutside() : 0;
    chart.note.hidden = !fresh;
    if (fresh) chart.note.textContent = `${fresh} new ${fresh === 1 ? "point" : "points"} outside view`;
  }

  countOutside() {
    let fresh = this.count() - (this.seen || 0);
    if (fresh <= 0) return 0;
    let outside = 0;
    for (const series of this.walkable()) {
      for (let i = series.xs.length - 1; i >= 0 && fresh > 0; i--, fresh--) if (!this.isShown(series, i)) outside++;
    }
    return outside;
  }
}

function clamp(fraction) {
  return Math.max(0, Math.min(1, fraction));
}

function open(target, inNewTab) {
  if (inNewTab) window.open(target, "_blank", "noopener");
  else window.location.assign(target);
}

function pointWords(series, i) {
  return series.words ? series.words(i) : `${series.name}: ${number(series.xs[i])}, ${number(series.ys[i])}`;
}
