/** What every page runs. Each behaviour is a module of its own and finds its elements by data- attributes. */

import { LivePage } from "./live/page.js";
import { watchAppearance } from "./page/appearance.js";
import { prepareForms, watchForms } from "./page/forms.js";
import { watchKeys } from "./page/keys.js";
import { watchLate } from "./page/late.js";
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
watchLate();
document.addEventListener("focusin", async ({ target }) => {
  if (target.matches?.("[data-complete]")) (await import("./page/complete.js")).complete(target);
});

for (const type of ["pointerover", "focusin"]) {
  document.addEventListener(type, async ({ target }) => {
    const table = target.closest?.("table[data-resizable] thead")?.parentElement;
    if (table && !table.dataset.grips) (await import("./page/columns.js")).prepareColumns(table);
  });
}

// these come as a smaller file; a page never loads both
const FEW_CHARTS = new Set(["history", "curves", "curve"]);

const live = document.body.dataset.liveUrl ? new LivePage(document.body) : null;

/** Bring the behaviours that belong to single elements to a part of the page, now or after a swap. */
async function prepare(root) {
  live?.follow(root);
  if (root.querySelector("[data-log]")) import("./page/logs.js").then(({ watchLogs }) => watchLogs(root));
  showCopyButtons(root);
  const charts = [...root.querySelectorAll("figure[data-chart]")];
  if (!charts.length) return;
  (await chartsFor(charts.map((figure) => figure.dataset.chart))).mountCharts(root);
}

function chartsFor(names) {
  if (names.every((name) => FEW_CHARTS.has(name))) return import("./charts/index.js");
  return names[0].startsWith("compare-") ? import("./charts/compare.js") : import("./charts/analyse.js");
}

prepare(document.body);
// at once, before the new part is painted: showing them later would move their neighbours
document.addEventListener("htmx:afterSwap", ({ detail }) => showCopyButtons(detail.target));
document.addEventListener("htmx:load", ({ detail }) => {
  prepareForms(detail.elt);
  prepare(detail.elt);
});
