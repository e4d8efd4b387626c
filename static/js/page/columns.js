/** Columns that people make wider or narrower: by the grip at the edge of a head, or with its arrow keys. A double click,
 * or Delete, brings the usual width back. The server draws the next page with the widths of the cookie. */

import { element } from "../dom.js";

const [LEAST, MOST, STEP] = [48, 1200, 16];
const LONGEST_COOKIE = 3000;

/** Put a grip at every head whose column has a name. */
export function prepareColumns(table) {
  if (table.dataset.grips) return;
  table.dataset.grips = "1";
  heads(table).forEach((head, at) => {
    if (columns(table)[at]?.dataset.column) head.append(grip(table, head, at));
  });
}

function heads(table) {
  return [...table.tHead.rows[0].cells];
}

function columns(table) {
  return [...table.querySelectorAll("col:not(.rest)")];
}

function grip(table, head, at) {
  const title = head.textContent.trim();
  head.abbr = title; // not "lr Width of lr" with every cell
  const made = element("span", "grip", { tabIndex: 0, title: "Drag for another width, double click for the usual one" });
  for (const [name, value] of Object.entries({ role: "separator", "aria-orientation": "vertical", "aria-label": `Width of ${title}`, "aria-valuemin": LEAST, "aria-valuemax": MOST })) made.setAttribute(name, value);
  tell(made, width(head));
  made.addEventListener("pointerdown", (event) => drag(event, table, made, at));
  made.addEventListener("dblclick", () => reset(table, made, at));
  made.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key];
    if (step) resize(table, made, at, width(head) + step * (event.shiftKey ? 4 : 1));
    else if (event.key === "Delete" || event.key === "Backspace") reset(table, made, at);
    else return;
    event.preventDefault();
    event.stopPropagation();
    if (step) keep(table);
  });
  return made;
}

function drag(event, table, made, at) {
  if (event.button) return;
  event.preventDefault();
  made.focus({ preventScroll: true });
  made.setPointerCapture(event.pointerId);
  const [from, before] = [event.clientX, width(heads(table)[at])];
  let moved = false;
  const move = ({ clientX }) => {
    moved ||= clientX !== from;
    if (moved) resize(table, made, at, before + clientX - from);
  };
  made.addEventListener("pointermove", move);
  made.addEventListener("lostpointercapture", () => (made.removeEventListener("pointermove", move), moved && keep(table)), { once: true });
}

/** Give one column a width; all others stay as wide as they are. */
function resize(table, made, at, wanted) {
  freeze(table);
  const wide = Math.round(Math.min(MOST, Math.max(LEAST, wanted)));
  columns(table)[at].width = wide;
  tell(made, wide);
}

function freeze(table) {
  if (table.classList.contains("sized")) return;
  const wide = heads(table).map(width);
  columns(table).forEach((column, at) => column.dataset.column && (column.width = wide[at]));
  columns(table).at(-1).after(element("col", "rest"));
  table.classList.add("sized");
}

function thaw(table) {
  table.querySelectorAll("col.rest").forEach((rest) => rest.remove());
  columns(table).forEach((column) => column.removeAttribute("width"));
  table.classList.remove("sized");
}

/** The usual width of one column; when all are usual, the table lays itself out again. */
function reset(table, made, at) {
  if (!table.classList.contains("sized")) return;
  const before = columns(table).map((column) => column.width);
  thaw(table);
  const usual = heads(table).map(width);
  const others = columns(table).some((column, place) => place !== at && column.dataset.column && Math.abs(before[place] - usual[place]) > 2);
  if (others) {
    freeze(table);
    columns(table).forEach((column, place) => place !== at && column.dataset.column && (column.width = before[place]));
  }
  tell(made, usual[at]);
  keep(table);
}

function width(cell) {
  return Math.round(cell.getBoundingClientRect().width);
}

function tell(made, wide) {
  made.setAttribute("aria-valuenow", wide);
}

function keep(table) {
  const pairs = columns(table).filter((column) => column.width && column.dataset.column);
  const kept = new URLSearchParams(pairs.map((column) => [column.dataset.column, column.width])).toString();
  const age = kept && kept.length <= LONGEST_COOKIE ? 31536000 : 0;
  document.cookie = `widths=${kept}; path=${location.pathname}; max-age=${age}; samesite=lax`;
}
