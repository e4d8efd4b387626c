/** When trials ran: a bar in a slot each, or, when they are many, how many ran at once by how they ended. */

import { duration, number } from "../format.js";
import { statusWords } from "../words.js";
import { Chart } from "./core.js";
import { hrefOf } from "./data.js";
import { plural } from "./plural.js";
import { mark, STATUS_SHAPES } from "./theme.js";

export function mountTimeline(figure, payload, events) {
  const chart = new Chart(figure, { empty: "No trial has started yet." });
  const href = hrefOf(figure);

  function draw() {
    const series = payload.busy ? areas(payload) : [bars(payload, href)];
    const most = payload.busy ? Math.max(...series.map((one) => Math.max(...one.tops, 0)), 1) : payload.slots;
    chart.set({
      x: { label: "time since the first start", kind: "time", reach: () => [0, payload.until || 1] },
      y: { name: "slot", label: payload.busy ? "trials at once" : "slot", kind: "linear", whole: true, reach: () => [0, Math.max(1, most)] },
      series,
      legend: () => payload.statuses.map((status) => ({ words: statusWords(status), draw: dot(status) })),
      summary: `${plural(payload.total, "trial")} in ${duration(payload.until)}.`,
    });
  }

  draw();
  events.refetch();
  return (fresh) => ((payload = fresh), draw());
}

function dot(status) {
  return (ctx, x, y, colours) => mark(ctx, STATUS_SHAPES[status] || "disc", x, y, 4, colours[status]);
}

function bars(payload, href) {
  const status = payload.status.map((place) => payload.statuses[place]);
  const end = (i) => payload.begin[i] + payload.took[i];
  return {
    name: "trials",
    xs: payload.begin.map((begin, i) => begin + payload.took[i] / 2),
    ys: payload.slot.map((slot) => slot + 0.5),
    words: (i) => `Trial ${payload.number[i]}: ${statusWords(status[i])}\nafter ${duration(payload.begin[i])}, took ${duration(payload.took[i])}`,
    href: href && ((i) => href(payload.number[i])),
    tint: (i) => status[i],
    paint(ctx, { axes, colours }) {
      for (let i = 0; i < status.length; i++) {
        const [left, right] = [axes.px(payload.begin[i]), axes.px(end(i))];
        const [top, bottom] = [axes.py(payload.slot[i] + 0.85), axes.py(payload.slot[i] + 0.15)];
        ctx.fillStyle = colours[status[i]];
        ctx.fillRect(left, top, Math.max(1, right - left - 0.5), Math.max(1, bottom - top));
      }
    },
    /** The bar under a place: the middle of a long one may be far away. */
    under(here, { axes }) {
      for (let i = 0; i < status.length; i++) {
        const slot = payload.slot[i];
        if (here.x >= axes.px(payload.begin[i]) && here.x <= axes.px(end(i)) && here.y >= axes.py(slot + 0.9) && here.y <= axes.py(slot + 0.1)) return i;
      }
      return null;
    },
  };
}

/** Stacked areas, one per status; each knows where it begins and ends in each span. */
function areas(payload) {
  const floor = payload.busy[0].map(() => 0);
  return payload.busy.map((busy, place) => {
    const bottoms = [...floor];
    const tops = busy.map((value, i) => (floor[i] += value));
    const status = payload.statuses[place];
    const xs = busy.map((_, i) => (i + 0.5) * payload.width);
    return {
      name: statusWords(status),
      xs,
      ys: tops,
      tops,
      words: (i) => `${statusWords(status)}: ${number(busy[i])} at once\nafter ${duration(xs[i])}`,
      tint: () => status,
      paint(ctx, { axes, colours }) {
        ctx.fillStyle = colours[status];
        ctx.globalAlpha = 0.75;
        for (let i = 0; i < tops.length; i++) {
          const [left, right] = [axes.px(i * payload.width), axes.px((i + 1) * payload.width)];
          ctx.fillRect(left, axes.py(tops[i]), right - left + 0.5, axes.py(bottoms[i]) - axes.py(tops[i]));
        }
        ctx.globalAlpha = 1;
      },
    };
  });
}
