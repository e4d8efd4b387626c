/** What the brush of the parallel plot keeps: a table of those trials, and a link that makes it the page's filter. */

import { element } from "../dom.js";
import { number } from "../format.js";

const MOST = 50;

export function watchBrush(root) {
  for (const panel of root.querySelectorAll("[data-brushed]")) {
    if (panel.dataset.watched) continue;
    panel.dataset.watched = "1";
    document.addEventListener("tb:brush", ({ detail }) => panel.isConnected && detail.names && show(panel, detail));
  }
}

function show(panel, { rows, axes, names, cells, query, href }) {
  const kept = names.map((_, i) => i).filter((i) => rows[i]);
  panel.hidden = !query || !kept.length;
  if (panel.hidden) return;
  panel.querySelector("[data-brushed-words]").textContent = `${kept.length} of ${names.length} drawn trials are brushed`;
  const link = panel.querySelector("[data-brushed-link]");
  const address = new URL(link.href, location.href);
  const before = new URLSearchParams(location.search).get("q") || "";
  address.search = new URLSearchParams({ q: `${before} ${query}`.trim() });
  link.href = address;
  const head = ["Trial", ...axes.map((axis) => axis.name)];
  panel.querySelector("thead tr").replaceChildren(...head.map((words) => element("th", "", { scope: "col", textContent: words })));
  const lines = kept.slice(0, MOST).map((i) => {
    const line = element("tr");
    const first = element("th", "", { scope: "row" });
    first.append(href ? element("a", "", { href: href(names[i]), textContent: names[i] }) : String(names[i]));
    line.append(first, ...cells[i].map((value) => element("td", "", { textContent: value === null ? "" : typeof value === "number" ? number(value) : value })));
    return line;
  });
  panel.querySelector("tbody").replaceChildren(...lines);
}
