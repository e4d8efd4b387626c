/** Scales: data to a fraction 0..1 of an axis and back, with ticks at round places. Pure functions, no page. */

/** A scale of a kind over a domain: {kind, low, high, at(value) -> fraction or NaN, value(fraction), ticks(count)}. */
export function scale(kind, low, high, categories = null) {
  if (kind === "category") return categoryScale(categories);
  if (kind === "log") return logScale(low, high);
  return linearScale(low, high, kind);
}

function linearScale(low, high, kind) {
  const span = high - low || 1;
  return {
    kind,
    low,
    high,
    at: (value) => (value - low) / span,
    value: (fraction) => low + fraction * span,
    ticks: (count) => (kind === "time" ? timeTicks(low, high, count) : linearTicks(low, high, count)),
  };
}

function logScale(low, high) {
  const from = Math.log10(low);
  const span = Math.log10(high) - from || 1;
  return {
    kind: "log",
    low,
    high,
    at: (value) => (value > 0 ? (Math.log10(value) - from) / span : NaN),
    value: (fraction) => 10 ** (from + fraction * span),
    ticks: (count) => logTicks(low, high, count),
  };
}

function categoryScale(categories) {
  const places = new Map(categories.map((name, index) => [String(name), index]));
  const step = 1 / Math.max(1, categories.length);
  return {
    kind: "category",
    low: 0,
    high: categories.length,
    at: (value) => (places.has(String(value)) ? (places.get(String(value)) + 0.5) * step : NaN),
    value: (fraction) => categories[Math.min(categories.length - 1, Math.max(0, Math.floor(fraction / step)))],
    ticks: (count) => {
      const every = Math.ceil(categories.length / Math.max(1, count));
      return categories.filter((_, index) => index % every === 0).map((name) => ({ value: name, text: String(name) }));
    },
  };
}

/** The round step (1, 2, 2.5 or 5 times a power of ten) that cuts a span into about count pieces. */
export function niceStep(span, count) {
  const raw = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  const rest = raw / power;
  const nice = rest <= 1 ? 1 : rest <= 2 ? 2 : rest <= 2.5 ? 2.5 : rest <= 5 ? 5 : 10;
  return nice * power;
}

export function linearTicks(low, high, count) {
  const step = niceStep(high - low || 1, count);
  const decimals = decimalsOf(step);
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
    const value = Number((i * step).toPrecision(12)) || 0;
    ticks.push({ value, text: tickText(value, decimals) });
  }
  return ticks;
}

/** Ticks at whole numbers only, for what is counted. */
export function wholeTicks({ low, high }, count) {
  const nice = niceStep(high - low || 1, count);
  const step = nice === 2.5 ? 2 : Math.max(1, nice);
  const ticks = [];
  for (let value = Math.ceil(low / step) * step; value <= high; value += step) ticks.push({ value, text: tickText(value, 0) });
  return ticks;
}

function decimalsOf(step) {
  const lead = Math.floor(Math.log10(step));
  const half = Math.abs(step / 10 ** lead - 2.5) < 1e-9 ? 1 : 0;
  return Math.max(0, -lead + half);
}

/** A tick is written with the decimals of its axis, or as a power when it is very large or very small. */
export function tickText(value, decimals) {
  const size = Math.abs(value);
  if (size >= 1e6 || decimals > 5) {
    const text = value.toExponential(2);
    return value === 0 ? "0" : text.replace(/\.?0+e/, "e").replace("e+", "e");
  }
  return value.toFixed(decimals);
}

export function logTicks(low, high, count) {
  const first = Math.floor(Math.log10(low) + 1e-9);
  const last = Math.ceil(Math.log10(high) - 1e-9);
  const decades = last - first;
  const steps = decades <= 1 ? [1, 2, 3, 5, 7] : decades <= count / 2 ? [1, 2, 5] : decades <= count ? [1, 3] : [1];
  const every = steps.length > 1 ? 1 : Math.ceil(decades / count);
  const ticks = [];
  for (let power = first; power <= last; power++) {
    if ((power - first) % every) continue;
    for (const step of steps) {
      const value = Number((step * 10 ** power).toPrecision(12));
      if (value >= low * 0.999999 && value <= high * 1.000001) ticks.push({ value, text: powerText(value) });
    }
  }
  return ticks.length >= 2 ? ticks : linearTicks(low, high, count).filter((tick) => tick.value > 0);
}

function powerText(value) {
  if (value >= 1e-3 && value < 1e5) return String(value);
  return value.toExponential(0).replace("e+", "e");
}

const CLOCK_STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

/** Ticks over elapsed seconds: 30 s, 5 m, 2 h, 3 d. */
export function timeTicks(low, high, count) {
  const raw = (high - low || 1) / Math.max(1, count);
  const step = CLOCK_STEPS.find((candidate) => candidate >= raw) || niceStep((high - low) / 86400, count) * 86400;
  const ticks = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
    ticks.push({ value: i * step, text: elapsedText(i * step) });
  }
  return ticks;
}

function elapsedText(seconds) {
  if (seconds === 0) return "0";
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return seconds % 60 ? `${Math.floor(seconds / 60)}:${pad(seconds % 60)}` : `${seconds / 60} m`;
  if (seconds < 86400) return seconds % 3600 ? `${Math.floor(seconds / 3600)} h ${pad((seconds % 3600) / 60)}` : `${seconds / 3600} h`;
  return `${Number((seconds / 86400).toPrecision(4))} d`;
}

function pad(n) {
  return String(Math.round(n)).padStart(2, "0");
}

/** The smallest and largest finite number of a list, positive ones only for a log axis; null when there is none. */
export function extent(values, kind) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value === null || !Number.isFinite(value) || (kind === "log" && value <= 0)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low > high ? null : [low, high];
}

/** A domain around the data that ends at round places, so that new points seldom move it; "tight": a little beyond a known range. */
export function niceDomain(low, high, kind, count = 6) {
  if (kind === "log") return niceLog(low, high);
  if (low === high) {
    const room = Math.abs(low) * 0.1 || 1;
    return niceDomain(low - room, high + room, kind, count);
  }
  if (kind === "tight") return [low - (high - low) * 0.03, high + (high - low) * 0.03];
  const step = kind === "time" ? timeStep(high - low, count) : niceStep(high - low, count);
  return [round(Math.floor(low / step + 1e-9) * step), round(Math.ceil(high / step - 1e-9) * step)];
}

function timeStep(span, count) {
  return CLOCK_STEPS.find((candidate) => candidate >= span / count) || niceStep(span / 86400, count) * 86400;
}

function niceLog(low, high) {
  const from = 10 ** Math.floor(Math.log10(low));
  const to = 10 ** Math.floor(Math.log10(high));
  const start = [5, 2, 1].find((step) => step * from <= low * 1.000001) * from;
  const end = [1, 2, 5, 10].find((step) => step * to >= high * 0.999999) * to;
  return start === end ? [start / 2, end * 2] : [round(start), round(end)];
}

function round(value) {
  return Number(value.toPrecision(12)) || 0;
}

/**
 * The domain that shows everything and moves only when it must: the old one as long as the data fit in it,
 * else a new round one.
 */
export function grownDomain(old, low, high, kind, count) {
  if (old && low >= old[0] && high <= old[1]) return old;
  const fresh = niceDomain(low, high, kind, count);
  return old && kind !== "log" ? [Math.min(old[0], fresh[0]), Math.max(old[1], fresh[1])] : fresh;
}
