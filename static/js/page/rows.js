/** Rows of a table: walking them with j and k, ticking them, the bar that says how many are ticked, a trial beside them. */

import { on } from "../dom.js";
import { notice } from "./notices.js";

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
  on("click", "a[data-also]", (link, event) => {
    if (!event.shiftKey) return;
    event.preventDefault();
    location.assign(link.dataset.also);
  });
  on("keydown", "input[data-enter]", (input, event) => {
    if (event.key !== "Enter") return;
    event.preventDefault(); // it would press the first button of the form
    input.form.requestSubmit(input.form.querySelector(`button[value="${input.dataset.enter}"]`));
  });
  watchPeek();
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
  if (peek()?.childElementCount) peekRow();
}

export function tickRow() {
  currentRow()?.querySelector("input[data-tick]")?.click();
}

export function openRow() {
  currentRow()?.querySelector("[data-open]")?.click();
}

/** The trial of the current row beside the table. */
export function peekRow() {
  currentRow()?.querySelector("[data-peek]")?.click();
}

function peek() {
  return document.getElementById("peek");
}

function watchPeek() {
  on("click", "[data-peek-close]", (link, event) => {
    event.preventDefault();
    closePeek();
  });
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target.id !== "peek") return;
    const shown = detail.target.querySelector("[data-say]");
    document.querySelector("[data-announce]")?.replaceChildren(shown?.dataset.say || "");
    if (matchMedia("(max-width: 64rem)").matches) detail.target.scrollIntoView({ block: "nearest" });
  });
}

/** Take the trial beside the table away again; whether there was one. */
export function closePeek() {
  if (!peek()?.childElementCount) return false;
  const row = document.querySelector("[data-row][data-current]");
  if (peek().contains(document.activeElement)) row?.querySelector("[data-open]")?.focus();
  peek().replaceChildren();
  const address = new URL(location.href);
  address.searchParams.delete("open");
  history.replaceState(history.state, "", address);
  return true;
}

/** Exclude the ticked trials, or else the current row's: the reason is asked for, Enter does it. Excluded ones come back. */
export function excludeRow() {
  const row = currentRow();
  const form = row?.closest("[data-tick-form]");
  const reason = form?.querySelector('input[data-enter="exclude-trials"]');
  if (!reason) return;
  const boxes = boxesOf(row);
  if (!boxes.some((box) => box.checked)) row.querySelector("input[data-tick]")?.click();
  const ticked = boxes.filter((box) => box.checked);
  if (!ticked.every((box) => box.closest("[data-row]").classList.contains("excluded"))) return reason.focus();
  form.requestSubmit(form.querySelector('button[value="include-trials"]'));
}

/** A button of the bar of ticked rows has nothing to do before one is ticked: say so. */
export function waitsForTicks(target) {
  const waits = target.closest("[data-tick-bar]") && !boxesOf(target).some((box) => box.checked);
  if (waits) notice("Nothing is ticked yet: j and k walk the rows, x ticks one.");
  return Boolean(waits);
}
