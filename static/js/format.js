/** Numbers, durations and times as people read them. The template filters of the dashboard follow the same rule. */

const WORDS = { NaN: NaN, Infinity: Infinity, "-Infinity": -Infinity };

/** The number a value from the wire stands for, or null. The feed writes what is not finite as a word. */
export function toNumber(value) {
  if (typeof value === "number") return value;
  if (typeof value === "string" && value in WORDS) return WORDS[value];
  if (typeof value === "string" && value.trim() !== "" && !Number.isNaN(Number(value))) return Number(value);
  return null;
}

/** Four significant digits, never fewer than the whole part; whole numbers below a million in full. */
export function number(value, digits = 4) {
  let n = toNumber(value);
  if (n === null) return "–";
  if (Number.isNaN(n)) return "NaN";
  if (!Number.isFinite(n)) return n > 0 ? "∞" : "-∞";
  if (n === 0) return "0";
  if (Number.isInteger(n) && Math.abs(n) < 1e6) return String(n);
  n = Number(n.toPrecision(Math.max(6, digits))); // as many as charts get: what stands beside them says the same
  const size = Math.abs(n);
  if (size < 1e-4 || size >= 1e6) return exponent(n, digits);
  const decimals = Math.max(0, digits - 1 - Math.floor(Math.log10(size)));
  return cutZeros(n.toFixed(Math.min(decimals, 100)));
}

function exponent(n, digits) {
  const [mantissa, power] = n.toExponential(digits - 1).split("e");
  return `${cutZeros(mantissa)}e${Number(power)}`;
}

function cutZeros(text) {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** "20 ms", "0.4 s", "14 s", "2 m 14 s", "3 h 12 m", "2 d 4 h"; a dash for nothing. */
export function duration(seconds) {
  const s = toNumber(seconds);
  if (s === null || !Number.isFinite(s) || s < 0) return "–";
  if (s === 0) return "0 s";
  if (s < 0.0995) return `${Math.max(1, Math.round(s * 1000))} ms`;
  if (s < 0.95) return `${s.toFixed(1)} s`;
  const whole = Math.round(s);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} m ${whole % 60} s`;
  if (whole < 86400) return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} m`;
  return `${Math.floor(whole / 86400)} d ${Math.floor((whole % 86400) / 3600)} h`;
}

/** "now", "14 s ago", "3 min ago", "2 h ago", "5 d ago", then the day itself. */
export function relative(iso, now = Date.now()) {
  const then = Date.parse(iso);
  if (Number.isNaN(then)) return "–";
  const s = (now - then) / 1000;
  if (s < 5) return "now";
  if (s < 60) return `${Math.floor(s)} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ago`;
  if (s < 30 * 86400) return `${Math.floor(s / 86400)} d ago`;
  return new Date(then).toISOString().slice(0, 10);
}

/** "14:02" of the viewer's clock. */
export function clock(ms) {
  const at = new Date(ms);
  return `${String(at.getHours()).padStart(2, "0")}:${String(at.getMinutes()).padStart(2, "0")}`;
}

let written = null;

/** The whole moment in the viewer's own zone, for a title. Making what writes it takes a browser as long as a layout. */
export function moment(iso) {
  const at = new Date(iso);
  if (Number.isNaN(at.getTime())) return "";
  written ??= new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });
  return written.format(at);
}

/** A count with its thousands apart, "12,345". */
export function count(n) {
  return String(n).replace(/\B(?=(\d{3})+$)/g, ",");
}
