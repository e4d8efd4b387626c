/** What a pair of parameters leads to: shaded cells with lines of equal value, the tried places, the ten best marked. */

import { number } from "../format.js";
import { Chart } from "./core.js";
import { axisOf, hrefOf } from "./data.js";
import { plural } from "./plural.js";
import { pairTools, scaleLegend } from "./rank.js";
import { mark, shade } from "./theme.js";

const LEVELS = 7;
// corners of a cell above the level, as bits, to the pairs of edges that the line crosses
const CROSSINGS = [[], [[3, 0]], [[0, 1]], [[3, 1]], [[1, 2]], [[3, 0], [1, 2]], [[0, 2]], [[3, 2]], [[2, 3]], [[2, 0]], [[0, 1], [2, 3]], [[2, 1]], [[1, 3]], [[1, 0]], [[0, 3]], []];

export function mountContour(figure, payload, events) {
  const chart = new Chart(figure, { empty: "No trial has succeeded yet." });
  const href = hrefOf(figure);
  const choice = { x: payload.x, y: payload.y };

  function draw() {
    if (!payload.x || !payload.y) return chart.say("Needs two parameters.");
    if (!payload.grid) return chart.say(`Needs 10 results with both parameters; ${payload.total} so far.`);
    const field = fieldOf(payload);
    const best = {
      name: "the ten best",
      draw: "points",
      alpha: 1,
      xs: payload.best.map((one) => one[1]),
      ys: payload.best.map((one) => one[2]),
      shape: () => "ringed",
      tint: () => "ink",
      words: (i) => `Trial ${payload.best[i][0]}: ${payload.metric} ${number(payload.best[i][3], 6)}\n${payload.x} ${shown(payload.best[i][1])}\n${payload.y} ${shown(payload.best[i][2])}`,
      href: href && ((i) => href(payload.best[i][0])),
    };
    const tried = {
      name: "tried",
      draw: "points",
      quiet: true,
      derived: true,
      alpha: 0.45,
      xs: payload.points.map((one) => one[0]),
      ys: payload.points.map((one) => one[1]),
      shape: () => "dot",
      tint: () => "soft",
    };
    chart.set({
      x: axisOf(payload.across),
      y: { ...axisOf(payload.up), name: payload.y },
      series: [{ name: "mean", quiet: true, derived: true, xs: [], ys: [], paint: (ctx) => field.paint(ctx, chart) }, tried, best],
      legend: () => [...scaleLegend("worse", "better"), { words: "ten best", draw: (ctx, x, y, colours) => mark(ctx, "ringed", x, y, 4, colours.ink) }],
      summary: `Mean ${payload.metric} over ${payload.x} and ${payload.y} from ${plural(payload.total, "trial")}.`,
    });
    const words = figure.querySelector("[data-thinned]");
    if (words) words.title = words.textContent = `smoothed means of ${plural(payload.total, "trial")}; blank: not tried${payload.every > 1 ? `; dots: one in ${payload.every}` : ""}`;
  }

  pairTools(chart, payload.names, choice, () => {
    const address = new URL(figure.dataset.src, location.href);
    address.searchParams.set("x", choice.x);
    address.searchParams.set("y", choice.y);
    figure.dataset.src = address.pathname + address.search;
    events.reloadSoon(0);
  });
  draw();
  events.refetch();
  return (fresh) => ((payload = fresh), draw());
}

/** The grid with its levels: quantiles of its cells, so that each shade covers as much of the area. */
function fieldOf({ grid, goal, across, up, ends }) {
  const known = grid.flat().filter((value) => value !== null).sort((a, b) => a - b);
  const levels = Array.from({ length: LEVELS }, (_, i) => known[Math.floor(((i + 1) * known.length) / (LEVELS + 1))]);
  const tone = (value) => {
    const place = levels.filter((level) => value > level).length / LEVELS;
    return goal === "maximize" ? place : 1 - place;
  };
  const isSmooth = across.scale !== "category" && up.scale !== "category";
  return {
    paint(ctx, { axes, colours }) {
      const xs = edges(across, ends?.x, grid[0].length).map((edge) => (edge.at === undefined ? axes.px(edge.value) : axes.box.left + edge.at * (axes.box.right - axes.box.left)));
      const ys = edges(up, ends?.y, grid.length).map((edge) => (edge.at === undefined ? axes.py(edge.value) : axes.box.bottom - edge.at * (axes.box.bottom - axes.box.top)));
      ctx.globalAlpha = 0.8;
      grid.forEach((cells, row) =>
        cells.forEach((value, column) => {
          if (value === null) return;
          ctx.fillStyle = shade(colours, tone(value));
          ctx.fillRect(xs[column], ys[row + 1], xs[column + 1] - xs[column] + 0.6, ys[row] - ys[row + 1] + 0.6);
        }),
      );
      ctx.globalAlpha = 1;
      if (isSmooth) drawLines(ctx, grid, levels, xs, ys, colours);
    },
  };
}

/** Where the cells of one axis begin and end: values of its scale, or for categories fractions of the drawing. */
function edges(axis, ends, count) {
  const places = Array.from({ length: count + 1 }, (_, i) => i / count);
  if (axis.scale === "category") return places.map((at) => ({ at }));
  const [low, high] = ends;
  if (axis.scale === "log") return places.map((at) => ({ value: low * (high / low) ** at }));
  return places.map((at) => ({ value: low + at * (high - low) }));
}

/** Lines of equal value between the middles of cells, by marching squares. */
function drawLines(ctx, grid, levels, xs, ys, colours) {
  const middle = (list, place) => {
    const cell = Math.min(list.length - 2, Math.floor(place));
    const at = (one) => (list[one] + list[one + 1]) / 2;
    return at(cell) + (place - cell) * (cell + 2 < list.length ? at(cell + 1) - at(cell) : 0);
  };
  ctx.strokeStyle = colours.surface;
  ctx.lineWidth = 1;
  ctx.beginPath();
  for (let row = 0; row + 1 < grid.length; row++)
    for (let column = 0; column + 1 < grid[0].length; column++) {
      const corners = [grid[row][column], grid[row][column + 1], grid[row + 1][column + 1], grid[row + 1][column]];
      if (corners.includes(null)) continue;
      const at = [[column, row], [column + 1, row], [column + 1, row + 1], [column, row + 1]];
      for (const level of levels) {
        const bits = corners.reduce((sum, value, i) => sum | (value > level ? 1 << i : 0), 0);
        for (const pair of CROSSINGS[bits]) {
          const [from, to] = pair.map((edge) => crossing(at, corners, edge, level));
          ctx.moveTo(middle(xs, from[0]), middle(ys, from[1]));
          ctx.lineTo(middle(xs, to[0]), middle(ys, to[1]));
        }
      }
    }
  ctx.stroke();
}

function crossing(at, corners, edge, level) {
  const next = (edge + 1) % 4;
  const share = (level - corners[edge]) / (corners[next] - corners[edge] || 1);
  return [0, 1].map((axis) => at[edge][axis] + (at[next][axis] - at[edge][axis]) * share);
}

function shown(value) {
  return typeof value === "number" ? number(value) : value;
}
