/** Rows of a table: walking them with j and k, ticking them, and the bar that says how many are ticked. */

import { on } from "../dom.js";

let lastTick = null;

export function watchRows() {
  on("click", "input[data-tick]", (box, event) => {
    if (event.shiftKey && lastTick?.isConnected) tickRange(lastTick, box);
    lastTick = box;
  });
  on("change", "input[data-tick], input[data-tick-all]", (box) => {
    if (box.hasAttribute("data-tick-all")) boxesOf(box).forEach((other) => (other.checked = box.checked));
    count(box);
  });
  on("click", "[data-tick-clear]", (button) => {
    boxesOf(button).forEach((box) => (box.checked = false));
    count(button);
  });
  addEventListener("pageshow", () => document.querySelectorAll("[data-tick-form]").forEach(count));
}

function scopeOf(inside) {
  return inside.closest("[data-tick-form]") || document;
}

function boxesOf(inside) {
  return [...scopeOf(inside).querySelectorAll("input[data-tick]")];
}

function tickRange(from, to) {
  const boxes = boxesOf(to);
  const [start, end] = [boxes.indexOf(from), boxes.indexOf(to)].sort((a, b) => a - b);
  if (start >= 0) boxes.slice(start, end + 1).forEach((box) => (box.checked = to.checked));
}

/** Show or hide the bar of ticked rows and bring its words up to date. */
export function count(inside) {
  const scope = scopeOf(inside);
  const boxes = boxesOf(inside);
  const ticked = boxes.filter((box) => box.checked).length;
  scope.querySelectorAll("[data-tick-bar]").forEach((bar) => (bar.hidden = ticked === 0));
  scope.querySelectorAll("[data-tick-count]").forEach((words) => (words.textContent = `${ticked} selected`));
  scope.querySelectorAll("input[data-tick-all]").forEach((all) => {
    all.checked = ticked > 0 && ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  });
}

function rows() {
  return [...document.querySelectorAll("[data-row]")].filter((row) => row.offsetParent !== null);
}

export function currentRow() {
  return document.activeElement?.closest("[data-row]") || document.querySelector("[data-row][data-current]");
}

/** Put the focus on the main link of the next or previous row. */
export function walkRows(step) {
  const all = rows();
  const at = all.indexOf(currentRow());
  const next = all[at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.max(0, Math.min(all.length - 1, at + step))];
  if (!next) return;
  document.querySelector("[data-row][data-current]")?.removeAttribute("data-current");
  next.dataset.current = "";
  next.querySelector("[data-open]")?.focus();
}

export function tickRow() {
  currentRow()?.querySelector("input[data-tick]")?.click();
}

export function openRow() {
  currentRow()?.querySelector("[data-open]")?.click();
}
