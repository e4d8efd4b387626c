/** The small line of a row: best so far as steps, from [[ended trials, best], ...]. The server draws the same. */

import { toNumber } from "./format.js";

/** The points attribute of the polyline in a box of this size; empty when there is nothing to draw. */
export function sparkPoints(pairs, total, width = 80, height = 20) {
  const known = pairs.map(([x, y]) => [Number(x), toNumber(y)]).filter(([, y]) => y !== null && Number.isFinite(y));
  if (!known.length) return "";
  const ys = known.map(([, y]) => y);
  const [low, high] = [Math.min(...ys), Math.max(...ys)];
  const first = known[0][0];
  const across = Math.max(total || 0, known.at(-1)[0]) - first || 1;
  const corners = [];
  let level = height / 2;
  for (const [x, y] of known) {
    const left = ((x - first) / across) * width;
    if (corners.length) corners.push(`${left.toFixed(1)},${level.toFixed(1)}`);
    if (high > low) level = 1 + ((high - y) / (high - low)) * (height - 2);
    corners.push(`${left.toFixed(1)},${level.toFixed(1)}`);
  }
  return [...corners, `${width},${level.toFixed(1)}`].join(" ");
}

/** Draw into the svg of a [data-spark] element. */
export function drawSpark(svg, pairs, total) {
  const line = svg.querySelector("polyline");
  const { width, height } = svg.viewBox.baseVal;
  const points = sparkPoints(pairs, total, width, height);
  if (line && line.getAttribute("points") !== points) line.setAttribute("points", points);
}

export const MOST_POINTS = 400;
const curves = new WeakMap();

/** The points attribute of a line through [[step, value], ...] in order; empty for fewer than two. The server draws the same. */
export function curvePoints(points, width = 80, height = 20) {
  if (points.length < 2) return "";
  const ys = points.map(([, y]) => y);
  const [low, high] = [Math.min(...ys), Math.max(...ys)];
  const first = points[0][0];
  const across = points.at(-1)[0] - first || 1;
  const up = (y) => (high > low ? 1 + ((high - y) / (high - low)) * (height - 2) : height / 2);
  return points.map(([x, y]) => `${(((x - first) / across) * width).toFixed(1)},${up(y).toFixed(1)}`).join(" ");
}

/** Add newly reported points to a small curve; its data-curve holds what came with the page. */
export function extendCurve(svg, points) {
  const line = curves.get(svg) || new Map(JSON.parse(svg.dataset.curve));
  for (const [step, value] of points) {
    if (Number.isFinite(toNumber(value) ?? NaN)) line.set(Number(step), toNumber(value));
  }
  const known = [...line].sort(([a], [b]) => a - b).slice(-MOST_POINTS);
  curves.set(svg, new Map(known));
  svg.querySelector("polyline").setAttribute("points", curvePoints(known));
}
