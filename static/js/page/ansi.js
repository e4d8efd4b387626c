/**
 * What programs write for terminals, made fit for a page: colours as classes, everything else that steers left out.
 * apps/dashboard/ansi.py does the same with what a log held when the page was drawn.
 */

const COLOURS = ["grey", "red", "green", "yellow", "blue", "magenta", "cyan", ""];
const STYLES = { 1: "bold", 2: "dim", 3: "italic", 4: "underline" };
const STEERING =
  /\x1b\[(?<codes>[0-9;:]*)m|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^]*?(?:\x07|\x1b\\|$)|\x1b[@-_]?|[\x00-\x08\x0b\x0c\x0e-\x1a\x1c-\x1f\x7f]/g;

/** Text as [{text, css}], with what holds at its end: give that along with the text that follows. */
export function pieces(text, before = {}) {
  const found = [];
  let classes = { ...before };
  let at = 0;
  const clean = overwritten(text);
  const add = (part) => part && found.push({ text: part, css: words(classes) });
  for (const match of clean.matchAll(STEERING)) {
    add(clean.slice(at, match.index));
    at = match.index + match[0].length;
    if (match.groups.codes !== undefined) classes = turned(classes, match.groups.codes);
  }
  add(clean.slice(at));
  return { found, classes };
}

/** Each line as it stood at last, after its carriage returns. */
export function overwritten(text) {
  if (!text.includes("\r")) return text;
  const last = (line) => line.split("\r").reverse().find(Boolean) || "";
  return text.replaceAll("\r\n", "\n").split("\n").map(last).join("\n");
}

function words(classes) {
  return Object.values(classes).filter(Boolean).map((word) => `ansi-${word}`).join(" ");
}

function turned(classes, codes) {
  let next = { ...classes };
  const numbers = codes.split(/[;:]/).map((part) => (part.length < 4 ? Number(part) || 0 : 0));
  while (numbers.length) {
    const code = numbers.shift();
    if (code === 0) next = {};
    else if (STYLES[code]) next[STYLES[code]] = STYLES[code];
    else if (code === 22) (delete next.bold, delete next.dim);
    else if (code === 23 || code === 24) delete next[STYLES[code - 20]];
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) next.colour = COLOURS[code % 10];
    else if (code === 39) delete next.colour;
    else if ((code === 38 || code === 48) && numbers.length) numbers.splice(0, numbers.shift() === 5 ? 1 : 3);
  }
  return next;
}
