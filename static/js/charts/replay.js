/** The slider that shows every chart of the page as it was after a trial; the address follows it. */

import { number, toNumber } from "../format.js";
import { hrefOf, isBetter, load } from "./data.js";

const WAIT = 150;
const STEPS = 40;
const PAUSE = 600;

export function watchReplay(root) {
  for (const form of root.querySelectorAll("form[data-replay]")) if (!form.dataset.watched) new Replay(form);
}

class Replay {
  constructor(form) {
    form.dataset.watched = "1";
    this.form = form;
    this.range = form.querySelector("[data-replay-range]");
    this.words = form.querySelector("[data-replay-words]");
    form.querySelector("[data-replay-go]").hidden = true;
    this.range.addEventListener("input", () => this.moved());
    this.play = form.querySelector("[data-replay-play]");
    this.play.hidden = false;
    this.play.addEventListener("click", () => (this.timer ? this.stop() : this.start()));
  }

  moved() {
    this.words.textContent = this.range.value;
    clearTimeout(this.soon);
    this.soon = setTimeout(() => this.show(), WAIT);
  }

  /** Every figure, part and link of the page at the moment of the slider. */
  show() {
    const after = this.range.value;
    for (const figure of document.querySelectorAll("figure[data-src]")) figure.dataset.src = at(figure.dataset.src, after);
    for (const part of document.querySelectorAll("[data-replay-part]")) {
      part.setAttribute("hx-get", at(part.getAttribute("hx-get"), after));
      globalThis.htmx?.process(part); // it keeps the address that it saw first
      part.dispatchEvent(new CustomEvent("tb:refresh"));
    }
    for (const link of document.querySelectorAll("[data-replay-tab]")) link.href = at(link.href, after);
    history.replaceState(history.state, "", at(location.href, after));
    document.dispatchEvent(new CustomEvent("tb:reload"));
    this.sayBest();
  }

  /** The best trial until then, from the numbers of the history when they have come. */
  async sayBest() {
    const figure = document.getElementById("history");
    const line = document.querySelector("[data-replay-best]")?.closest("p");
    if (!figure || !line) return;
    const payload = await load(figure).catch(() => null);
    if (!payload) return;
    const value = payload.value.map(toNumber);
    let best = -1;
    value.forEach((one, i) => {
      const counts = payload.statuses[payload.status[i]] === "FINISHED" && Number.isFinite(one) && one !== null;
      if (counts && isBetter(payload.goal, one, best < 0 ? null : value[best])) best = i;
    });
    line.style.visibility = best < 0 ? "hidden" : "";
    if (best < 0) return;
    line.querySelector("[data-replay-best]").textContent = number(value[best]);
    const link = line.querySelector("[data-replay-trial]");
    link.textContent = `trial ${payload.number[best]}`;
    link.href = hrefOf(figure)(payload.number[best]);
  }

  start() {
    const last = Number(this.range.max);
    if (Number(this.range.value) >= last) this.range.value = 0;
    const step = Math.max(1, Math.round(last / STEPS));
    this.say("Stop");
    this.timer = setInterval(() => {
      this.range.value = Math.min(last, Number(this.range.value) + step);
      this.words.textContent = this.range.value;
      this.show();
      if (Number(this.range.value) >= last) this.stop();
    }, PAUSE);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = 0;
    this.say("Play");
  }

  say(words) {
    this.play.querySelector("[data-replay-play-words]").textContent = words;
  }
}

/** An address with another moment. */
function at(address, after) {
  const found = new URL(address, location.href);
  found.searchParams.set("after", after);
  return found.pathname + found.search + found.hash;
}
