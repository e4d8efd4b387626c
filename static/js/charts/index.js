/** The charts that most pages need; analyse.js has all of them. */

import { mountCurve } from "./curve.js";
import { mountCurves } from "./curves.js";
import { mountHistory } from "./history.js";
import { mountAll } from "./mount.js";

const CHARTS = { history: mountHistory, curves: mountCurves, curve: mountCurve };

export const NAMES = Object.keys(CHARTS);

/** Make charts of all figures inside an element, each one once. */
export function mountCharts(root) {
  mountAll(root, CHARTS);
}
