/** What every page runs. Each behaviour is a module of its own and finds its elements by data- attributes. */

import { LivePage } from "./live/page.js";
import { watchAppearance } from "./page/appearance.js";
import { prepareForms, watchForms } from "./page/forms.js";
import { watchKeys } from "./page/keys.js";
import { watchLogs } from "./page/logs.js";
import { showCopyButtons, watchMenus } from "./page/menus.js";
import { watchNotices } from "./page/notices.js";
import { watchRows } from "./page/rows.js";
import { watchTimes } from "./page/times.js";

watchAppearance();
watchMenus();
watchRows();
watchKeys();
watchTimes();
watchNotices();
watchForms();

const live = document.body.dataset.liveUrl ? new LivePage(document.body) : null;

/** Bring the behaviours that belong to single elements to a part of the page, now or after a swap. */
async function prepare(root) {
  live?.follow(root);
  watchLogs(root);
  showCopyButtons(root);
  if (root.querySelector("figure[data-chart]")) (await import("./charts/index.js")).mountCharts(root);
}

prepare(document.body);
// at once, before the new part is painted: showing them later would move their neighbours
document.addEventListener("htmx:afterSwap", ({ detail }) => showCopyButtons(detail.target));
document.addEventListener("htmx:load", ({ detail }) => {
  prepareForms(detail.elt);
  prepare(detail.elt);
});
