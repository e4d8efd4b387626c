/** The small bar at the top right of a chart: its switches, "Reset zoom", and the menu with picture, CSV, table. */

import { element } from "../dom.js";

const MARK = "\ufeff"; // without it Excel takes UTF-8 for something else

export class Tools {
  constructor(chart) {
    this.chart = chart;
    this.root = element("div", "chart-tools");
    this.own = element("span", "chart-tools");
    this.own.style.position = "static";
    this.reset = this.button("Reset zoom", () => chart.pointer.resetZoom());
    this.reset.hidden = true;
    this.root.append(this.own, this.reset, this.menu());
    chart.frame.append(this.root);
  }

  refresh() {
    this.reset.hidden = !this.chart.axes.zoom;
  }

  button(words, run) {
    const button = element("button", "", { type: "button", textContent: words });
    button.addEventListener("click", run);
    return button;
  }

  /** A switch that is on or off; run gets the new state. */
  toggle(words, pressed, run) {
    const button = this.button(words, () => {
      const on = button.getAttribute("aria-pressed") !== "true";
      button.setAttribute("aria-pressed", String(on));
      run(on);
    });
    button.setAttribute("aria-pressed", String(pressed));
    this.own.append(button);
    return button;
  }

  /** A choice of several; options is {value: words}. */
  choice(label, options, value, run) {
    const select = element("select", "", { ariaLabel: label });
    for (const [key, words] of Object.entries(options)) select.append(new Option(words, key, false, key === value));
    select.addEventListener("change", () => run(select.value));
    this.own.append(select);
    return select;
  }

  /** A slider from 0 to 1. */
  slider(label, value, run) {
    const wrap = element("label", "", { textContent: label });
    const input = element("input", "", { type: "range", min: 0, max: 0.95, step: 0.05, value });
    input.addEventListener("input", () => run(Number(input.value)));
    wrap.append(input);
    this.own.append(wrap);
    return input;
  }

  menu() {
    const details = element("details", "");
    details.dataset.menu = "";
    const summary = element("summary", "", { textContent: "⋯", ariaLabel: `${this.chart.title}: more` });
    const list = element("div", "");
    const entry = (words, run) =>
      list.append(
        this.button(words, () => {
          details.open = false;
          run();
        }),
      );
    entry("Save picture", () => this.savePicture());
    entry("Save CSV", () => save(new Blob([MARK, csv(this.chart.rows())], { type: "text/csv" }), `${this.fileName()}.csv`));
    const twin = this.chart.figure.querySelector("details.chart-table");
    if (twin) entry("Show as table", () => ((twin.open = true), twin.querySelector("summary").focus()));
    details.append(summary, list);
    return details;
  }

  fileName() {
    return this.chart.title.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "") || "chart";
  }

  savePicture() {
    const { canvas, ratio, colours, title } = this.chart;
    const head = 28 * ratio;
    const copy = document.createElement("canvas");
    copy.width = canvas.width;
    copy.height = canvas.height + head;
    const ctx = copy.getContext("2d");
    ctx.fillStyle = colours.surface;
    ctx.fillRect(0, 0, copy.width, copy.height);
    ctx.fillStyle = colours.ink;
    ctx.font = `600 ${14 * ratio}px ${colours.font}`;
    ctx.fillText(title, 8 * ratio, 19 * ratio);
    ctx.drawImage(canvas, 0, head);
    copy.toBlob((blob) => save(blob, `${this.fileName()}.png`));
  }
}

/** Rows as CSV: text always quoted, and no cell that a spreadsheet would run as a formula. */
export function csv(rows) {
  return rows.map((row) => row.map(csvCell).join(",")).join("\r\n") + "\r\n";
}

function csvCell(value) {
  if (value === null || value === undefined) return "";
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : String(value);
  return `"${text.replaceAll('"', '""')}"`;
}

function save(blob, name) {
  const link = element("a", "", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}
