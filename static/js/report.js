/** The charts of a report: a file of its own, with its numbers in it and nobody to ask for more. */

import { mountCurves } from "./charts/curves.js";
import { mountEdf } from "./charts/edf.js";
import { mountHistory } from "./charts/history.js";
import { mountAllNow } from "./charts/mount.js";
import { mountParallel } from "./charts/parallel.js";
import { mountSlice } from "./charts/slice.js";

mountAllNow(document.body, { history: mountHistory, parallel: mountParallel, slice: mountSlice, curves: mountCurves, edf: mountEdf });
