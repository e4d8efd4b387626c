/** The charts further down a page, fetched when one of them comes near the view. */

import { mountContour } from "./contour.js";
import { mountCurve } from "./curve.js";
import { mountCurves } from "./curves.js";
import { mountEdf } from "./edf.js";
import { mountRank } from "./rank.js";
import { mountTimeline } from "./timeline.js";

export const FAR = { curve: mountCurve, curves: mountCurves, rank: mountRank, contour: mountContour, edf: mountEdf, timeline: mountTimeline };
