/** Times that stay true while the page stands: "3 min ago", and how long something has been running. */

import { duration, moment, relative } from "../format.js";

const EVERY = 5000;
let summed = Date.now();

export function watchTimes() {
  refresh();
  setInterval(() => document.hidden || (refresh(), giveTitles()), EVERY);
  document.addEventListener("pointerover", giveTitles, { once: true });
  setInterval(addUp, EVERY);
}

function refresh() {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    write(time, relative(time.dateTime));
  }
  for (const time of document.querySelectorAll("time[data-elapsed]")) {
    write(time, duration((Date.now() - Date.parse(time.dateTime)) / 1000));
  }
}

/** The moments in the viewer's zone, which nobody asks for before the page stands; the server wrote them in its own. */
function giveTitles() {
  for (const time of document.querySelectorAll("time[data-relative]")) {
    if (time.dataset.titled !== time.dateTime) time.title = moment((time.dataset.titled = time.dateTime));
  }
}

/** What all running trials cost together grows by the second for each of them; the page says how many there are. */
function addUp() {
  const now = Date.now();
  for (const total of document.querySelectorAll("[data-spent]")) {
    const running = Number(total.closest("[data-object]").querySelector('[data-field="running"]').textContent.replace(/\D/g, ""));
    total.dataset.spent = Number(total.dataset.spent) + (running * (now - summed)) / 1000;
    if (running) write(total, duration(Number(total.dataset.spent)));
  }
  summed = now;
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
