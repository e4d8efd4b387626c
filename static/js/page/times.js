/** Times that stay true while the page stands: "3 min ago", and how long something has been running. */

import { duration, moment, relative } from "../format.js";

const EVERY = 5000;

export function watchTimes() {
  refresh();
  setInterval(() => document.hidden || refresh(), EVERY);
}

function refresh() {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    write(time, relative(time.dateTime));
    if (!time.dataset.titled) time.title = moment((time.dataset.titled = time.dateTime));
  }
  for (const time of document.querySelectorAll("time[data-elapsed]")) {
    write(time, duration((Date.now() - Date.parse(time.dateTime)) / 1000));
  }
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
