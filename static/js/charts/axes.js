/** The two axes of a chart and the words around it: what range they show, where a value lies, how they are drawn. */

import { fit } from "./names.js";
import { extent, grownDomain, scale, wholeTicks } from "./scales.js";

const BOTTOM = 40;
const RIGHT = 16;

export class Axes {
  constructor() {
    this.forget();
  }

  forget() {
    this.domains = { x: null, y: null };
    this.zoom = null;
  }

  /** Take a model's data into the domains and lay everything out in a canvas of this size. */
  fit(ctx, model, size, toolsWidth) {
    Object.assign(this, { model, width: size.width, height: size.height });
    const { x, y } = model;
    this.legendPlaces = this.layLegend(ctx, toolsWidth);
    const top = this.legendPlaces.top;
    const counts = { x: tickCount(this.width - 64, 88), y: tickCount(this.height - top - BOTTOM, 44) };
    this.fitDomain("x", x, counts.x);
    this.fitDomain("y", y, counts.y);
    const [x0, x1] = this.zoom?.x || this.domains.x;
    const [y0, y1] = this.zoom?.y || this.domains.y;
    this.x = scale(x.kind, x0, x1, x.categories);
    this.y = scale(y.kind, y0, y1, y.categories);
    this.box = { left: 0, top, right: this.width - RIGHT, bottom: this.height - BOTTOM };
    this.yTicks = y.whole ? wholeTicks(this.y, counts.y) : this.y.ticks(counts.y);
    this.box.left = this.leftMargin(ctx);
    this.xTicks = x.whole ? wholeTicks(this.x, counts.x) : this.x.ticks(counts.x);
  }

  fitDomain(name, axis, count) {
    if (axis.kind === "category") return (this.domains[name] = [0, axis.categories.length]);
    const reach = axis.reach ? axis.reach() : this.reach(name, axis.kind);
    if (reach && axis.whole && reach[0] === reach[1]) reach[1] += 1; // one trial alone has no trial -1 beside it
    const kind = axis.tight && axis.kind === "linear" ? "tight" : axis.kind;
    if (reach) this.domains[name] = grownDomain(this.domains[name], reach[0], reach[1], kind, count);
    this.domains[name] ||= axis.kind === "log" ? [0.1, 10] : [0, 1];
  }

  reach(name, kind) {
    const reaches = this.model.series.map((series) => extent(series[`${name}s`], kind)).filter(Boolean);
    return reaches.length ? [Math.min(...reaches.map((r) => r[0])), Math.max(...reaches.map((r) => r[1]))] : null;
  }

  leftMargin(ctx) {
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

  draw(ctx, colours) {
    const { left, top, right, bottom } = this.box;
    ctx.lineWidth = 1;
    ctx.strokeStyle = colours.grid;
    ctx.fillStyle = colours.soft;
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
    this.drawXTicks(ctx, colours);
    ctx.textAlign = "right";
    ctx.fillText(fit(ctx, this.model.x.label || "", right - left), right, bottom + 30);
  }

  drawXTicks(ctx, colours) {
    const { left, right, bottom } = this.box;
    const room = this.x.kind === "category" ? (right - left) / Math.max(1, this.xTicks.length) - 8 : Infinity;
    let free = -Infinity;
    ctx.textAlign = "center";
    ctx.strokeStyle = colours.soft;
    ctx.beginPath();
    ctx.moveTo(left, bottom + 0.5);
    ctx.lineTo(right, bottom + 0.5);
    for (const tick of this.xTicks) {
      const x = Math.round(this.px(tick.value)) + 0.5;
      const text = fit(ctx, tick.text, room);
      const half = ctx.measureText(text).width / 2;
      ctx.moveTo(x, bottom);
      ctx.lineTo(x, bottom + 4);
      if (x - half < free + 8) continue;
      free = x + half;
      ctx.fillText(text, Math.min(x, this.width - half - 2), bottom + 14);
    }
    ctx.stroke();
  }

  /** Where the words above the drawing go: beside the tools when they fit there, else in rows below them. */
  layLegend(ctx, toolsWidth) {
    const items = [{ words: this.model.y.label }, ...(this.model.legend?.() || [])];
    const sized = items.map((item) => ({ ...item, room: ctx.measureText(item.words).width + (item.draw ? 18 : 0) }));
    const free = this.width - toolsWidth - 24;
    const whole = sized.reduce((sum, item) => sum + item.room + 16, 0);
    if (whole < free) return { places: place(sized, Infinity, 14), top: 36 };
    const places = place(sized, this.width - 8, 42);
    return { places, top: places.at(-1).y + 18 };
  }

  drawLegend(ctx, colours) {
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    for (const { item, x, y } of this.legendPlaces.places) {
      if (item.draw) item.draw(ctx, x + 6, y, colours);
      ctx.fillStyle = colours.soft;
      ctx.fillText(item.words, x + (item.draw ? 18 : 0), y);
    }
  }

  isInside({ x, y }) {
    const { left, top, right, bottom } = this.box;
    return x >= left - 1 && x <= right + 1 && y >= top - 1 && y <= bottom + 1;
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
