/** Keyboard shortcuts: what carries data-key is pressed by that key; rows by j, k, x; all of them listed under "?". */

import { element, isTyping, on } from "../dom.js";
import { closePeek, currentRow, excludeRow, openRow, peekRow, tickRow, waitsForTicks, walkRows } from "./rows.js";

const PAUSE = 1200;

const ROW_KEYS = [
  ["j", "Next row", () => walkRows(1)],
  ["k", "Previous row", () => walkRows(-1)],
  ["x", "Tick the row", tickRow],
  ["Enter", "Open the row", openRow],
];
const TRIAL_KEYS = [
  ["o", "Show the row's trial beside the table", peekRow, "[data-peek]"],
  ["e", "Exclude or include the row's trial, or the ticked ones", excludeRow, 'input[data-enter="exclude-trials"]'],
];

let first = "";
let timer = 0;
/** What has been typed since the palette was asked for, until it is there; null at all other times. */
let ahead = null;

export function watchKeys() {
  document.addEventListener("keydown", palette);
  document.addEventListener("keydown", pressed);
  on("click", "[data-help]", showHelp);
  on("click", "[data-palette]", jump);
}

/** Ctrl+K or Cmd+K, also while typing, also with the other keys switched off. */
function palette(event) {
  if (ahead) typeAhead(event);
  else if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k" && document.body.dataset.jump) {
    event.preventDefault();
    jump();
  }
}

async function jump() {
  if (ahead) return;
  ahead = { text: "", hurried: false };
  const { openPalette } = await import("./palette.js").catch(() => ({}));
  openPalette?.(document.body.dataset.jump, acts(), ahead);
  ahead = null;
}

function typeAhead(event) {
  if (event.key === "Enter") ahead.hurried = true;
  else if (event.key === "Backspace") ahead.text = ahead.text.slice(0, -1);
  else if (event.key.length === 1 && !event.ctrlKey && !event.metaKey) ahead.text += event.key;
  else return;
  event.preventDefault();
}

/** What the page offers, each with its key: the palette runs it as the key would. */
function acts() {
  const found = new Map();
  for (const target of document.querySelectorAll("[data-key]")) {
    if (target.disabled || target.hidden || target.matches("input")) continue;
    if (!found.has(target.dataset.key)) {
      found.set(target.dataset.key, { words: wordsOf(target), kind: "act", key: target.dataset.key, run: () => press(target) });
    }
  }
  found.set("?", { words: "Keyboard shortcuts", kind: "act", key: "?", run: showHelp });
  return [...found.values()];
}

function wordsOf(target) {
  return target.dataset.keyLabel || target.ariaLabel || target.textContent.trim().replace(/\s+/g, " ") || target.title;
}

function isOff() {
  return document.documentElement.dataset.keys === "off";
}

function pressed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (event.key === "Escape" && isTyping(event.target) && event.target.matches("[data-key]")) return event.target.blur();
  if (isTyping(event.target) || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape" && closePeek()) return;
  if (event.key === "?") return run(event, showHelp);
  if (isOff()) return;
  const strokes = first ? `${first} ${event.key}` : event.key;
  first = "";
  clearTimeout(timer);
  const target = visible(strokes);
  if (target) return run(event, () => waitsForTicks(target) || press(target));
  if (startsSequence(event.key)) {
    first = event.key;
    timer = setTimeout(() => (first = ""), PAUSE);
    return;
  }
  const row = rowKeys().find(([key]) => key === strokes);
  if (!row || !document.querySelector("[data-row]")) return;
  if (event.key === "Enter" && (!currentRow() || event.target !== document.body)) return;
  run(event, row[2]);
}

/** The keys of rows, with those that this table has something for. */
function rowKeys() {
  return [...ROW_KEYS, ...TRIAL_KEYS.filter(([, , , needs]) => document.querySelector(needs))];
}

function run(event, act) {
  event.preventDefault();
  act();
}

function visible(strokes) {
  return [...document.querySelectorAll(`[data-key="${CSS.escape(strokes)}"]`)].find((found) => !found.disabled && !found.hidden);
}

function startsSequence(key) {
  return [...document.querySelectorAll("[data-key]")].some((found) => found.dataset.key.startsWith(`${key} `));
}

function press(target) {
  if (target.matches("input:not([type=checkbox]):not([type=submit]), textarea, select")) {
    target.focus();
    target.select?.();
  } else target.click();
}

function showHelp() {
  document.querySelector("dialog.key-help")?.remove();
  const dialog = element("dialog", "dialog key-help", { ariaLabel: "Keyboard shortcuts" });
  const box = element("form", "", { method: "dialog" });
  const list = element("dl", "pairs");
  for (const [key, words] of shortcuts()) {
    const term = element("dt");
    term.append(...key.split(" ").map((stroke) => element("kbd", "", { textContent: stroke })));
    list.append(term, element("dd", "", { textContent: words }));
  }
  const row = element("div", "row");
  row.append(element("button", "button", { textContent: "Close" }));
  box.append(element("h2", "", { textContent: "Keyboard shortcuts" }), list, row);
  dialog.append(box);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

/** What can be pressed on this page: [key, words]. */
export function shortcuts() {
  const found = new Map([["?", "This sheet"]]);
  if (document.body.dataset.jump) found.set("Ctrl+K", "Search or jump anywhere");
  if (isOff()) return [...found];
  for (const target of document.querySelectorAll("[data-key]")) {
    if (!found.has(target.dataset.key)) found.set(target.dataset.key, wordsOf(target));
  }
  if (document.querySelector("[data-row]")) for (const [key, words] of rowKeys()) found.set(key, words);
  if (document.querySelector("[data-chart]")) found.set("← →", "Walk the points of a chart that has the focus");
  found.set("Esc", "Close, or leave a field");
  return [...found];
}
