/** All charts, for pages that explain an experiment; with what ties them together: the brush and the replay. */

import { watchBrush } from "./brushed.js";
import { mountContour } from "./contour.js";
import { mountCurve } from "./curve.js";
import { mountCurves } from "./curves.js";
import { mountEdf } from "./edf.js";
import { mountHistory } from "./history.js";
import { mountAll } from "./mount.js";
import { mountParallel } from "./parallel.js";
import { mountRank } from "./rank.js";
import { watchReplay } from "./replay.js";
import { mountSlice } from "./slice.js";
import { mountTimeline } from "./timeline.js";

const CHARTS = {
  history: mountHistory,
  curves: mountCurves,
  curve: mountCurve,
  parallel: mountParallel,
  slice: mountSlice,
  rank: mountRank,
  contour: mountContour,
  edf: mountEdf,
  timeline: mountTimeline,
};

/** Make charts of all figures inside an element, each one once. */
export function mountCharts(root) {
  watchBrush(root);
  watchReplay(root);
  mountAll(root, CHARTS);
}
