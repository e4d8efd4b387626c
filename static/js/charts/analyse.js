/** All charts, for pages that explain an experiment; with what ties them together: the brush and the replay. */

import { watchBrush } from "./brushed.js";
import { mountHistory } from "./history.js";
import { mountAll } from "./mount.js";
import { mountParallel } from "./parallel.js";
import { watchReplay } from "./replay.js";
import { mountSlice } from "./slice.js";

const CHARTS = { history: mountHistory, parallel: mountParallel, slice: mountSlice };
for (const name of ["curve", "curves", "rank", "contour", "edf", "timeline"]) CHARTS[name] = late(name);

/** A chart whose drawing is fetched when it is first needed. */
function late(name) {
  return async (figure, payload, events) => (await import("./far.js")).FAR[name](figure, payload, events);
}

/** Make charts of all figures inside an element, each one once. */
export function mountCharts(root) {
  watchBrush(root);
  watchReplay(root);
  mountAll(root, CHARTS);
}
