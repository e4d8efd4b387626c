/** Colours of the charts from the style sheet's custom properties, and the marker shapes of the statuses. */

const NAMES = {
  ink: ["--ink", "#1b1f24", "#e6e8eb"],
  soft: ["--ink-soft", "#5a6370", "#a0a8b4"],
  grid: ["--chart-grid", "#e3e6ea", "#2c323a"],
  surface: ["--surface", "#ffffff", "#15181c"],
  best: ["--chart-best", "#0b5fcc", "#6cb2ff"],
  bundle: ["--chart-bundle", "#c3cbd5", "#3d4754"],
  accent: ["--accent", "#0b5fcc", "#6cb2ff"],
  CREATED: ["--status-created", "#6b7480", "#98a1ad"],
  WAITING: ["--status-waiting", "#6b7480", "#98a1ad"],
  RUNNING: ["--status-running", "#1769d2", "#65aaff"],
  FINISHED: ["--chart-point", "#6d8ba8", "#7c97b3"],
  EARLY_STOPPED: ["--status-early_stopped", "#9a6200", "#e0a63a"],
  FAILED: ["--status-failed", "#c22f2f", "#ff7b72"],
  USER_CANCELED: ["--status-user_canceled", "#4d5a6b", "#a9b5c6"],
  SYS_CANCELED: ["--status-sys_canceled", "#4d5a6b", "#a9b5c6"],
  UNKNOWN: ["--status-unknown", "#b5480d", "#ff9d5c"],
  hue1: ["--chart-1", "#0b5fcc", "#6cb2ff"],
  hue2: ["--chart-2", "#c2570c", "#ff9d5c"],
  hue3: ["--chart-3", "#1c7c3f", "#58c27d"],
  hue4: ["--chart-4", "#9c36b5", "#d68cf0"],
  hue5: ["--chart-5", "#0c7f8f", "#52c7d6"],
  hue6: ["--chart-6", "#8a6d00", "#d9bd4b"],
  hue7: ["--chart-7", "#c2255c", "#ff8fb1"],
  hue8: ["--chart-8", "#5a6370", "#a0a8b4"],
};

const STEPS = 8; // of the sequential scale; few, so that marks can be kept

/** Whether the page is dark now: the choice on <html>, else the system's. */
export function isDark() {
  const chosen = document.documentElement.dataset.theme;
  return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

/** All chart colours as the browser resolves them inside an element, ready for a canvas. */
export function palette(element) {
  const dark = isDark();
  const probes = document.createElement("span");
  probes.hidden = true;
  for (const [property, light, night] of Object.values(NAMES)) {
    const probe = probes.appendChild(document.createElement("span"));
    probe.style.color = `var(${property}, ${dark ? night : light})`;
  }
  element.append(probes); // all at once: styles are worked out anew for every change that is followed by a look
  const colours = { font: getComputedStyle(element).fontFamily };
  Object.keys(NAMES).forEach((name, place) => (colours[name] = getComputedStyle(probes.children[place]).color));
  probes.remove();
  const [from, to] = [channels(colours.bundle), channels(colours.best)];
  const between = (t) => `rgb(${from.map((part, i) => Math.round(part + (to[i] - part) * t)).join(" ")})`;
  colours.shades = Array.from({ length: STEPS + 1 }, (_, step) => between(step / STEPS));
  return colours;
}

/** Call back when the theme changes, by hand or by the system. */
export function watchTheme(callback) {
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", callback);
  new MutationObserver(callback).observe(document.documentElement, { attributeFilter: ["data-theme"] });
}

export const STATUS_SHAPES = {
  CREATED: "hollow",
  WAITING: "hollow",
  RUNNING: "target",
  FINISHED: "disc",
  EARLY_STOPPED: "half",
  FAILED: "cross",
  USER_CANCELED: "square",
  SYS_CANCELED: "square",
  UNKNOWN: "broken",
};

const PAINTERS = {
  disc: (ctx, r) => circle(ctx, r, "fill"),
  small: (ctx, r) => circle(ctx, r * 0.75, "fill"),
  dot: (ctx, r) => circle(ctx, r * 0.4, "fill"),
  ringed: (ctx, r) => (circle(ctx, r, "stroke"), circle(ctx, r * 0.45, "fill")),
  hollow: (ctx, r) => circle(ctx, r - 0.75, "stroke"),
  target: (ctx, r) => (circle(ctx, r - 0.5, "stroke"), circle(ctx, r / 2.4, "fill")),
  half: (ctx, r) => {
    circle(ctx, r - 0.75, "stroke");
    ctx.beginPath();
    ctx.arc(0, 0, r, Math.PI / 2, Math.PI * 1.5);
    ctx.fill();
  },
  cross: (ctx, r) => {
    const arm = r * 0.8;
    ctx.beginPath();
    ctx.moveTo(-arm, -arm);
    ctx.lineTo(arm, arm);
    ctx.moveTo(arm, -arm);
    ctx.lineTo(-arm, arm);
    ctx.stroke();
  },
  square: (ctx, r) => ctx.fillRect(-r * 0.8, -r * 0.8, r * 1.6, r * 1.6),
  up: (ctx, r) => triangle(ctx, r, -1),
  down: (ctx, r) => triangle(ctx, r, 1),
  broken: (ctx, r) => {
    ctx.setLineDash([r, r * 0.6]);
    circle(ctx, r - 0.75, "stroke");
    ctx.setLineDash([]);
  },
};

function triangle(ctx, r, way) {
  ctx.beginPath();
  ctx.moveTo(-r, -way * r * 0.7);
  ctx.lineTo(r, -way * r * 0.7);
  ctx.lineTo(0, way * r);
  ctx.fill();
}

function circle(ctx, radius, how) {
  ctx.beginPath();
  ctx.arc(0, 0, radius, 0, Math.PI * 2);
  ctx[how]();
}

/** Paint one marker around a place. */
export function mark(ctx, shape, x, y, radius, colour) {
  ctx.save();
  ctx.translate(x, y);
  ctx.fillStyle = ctx.strokeStyle = colour;
  ctx.lineWidth = 1.5;
  PAINTERS[shape](ctx, radius);
  ctx.restore();
}

/** A colour of the sequential scale: 0 is the palest, 1 the strongest. */
export function shade(colours, fraction) {
  return colours.shades[Math.round(Math.max(0, Math.min(1, fraction)) * STEPS)];
}

function channels(colour) {
  return (colour.match(/[\d.]+/g) || [128, 128, 128]).slice(0, 3).map(Number);
}
