/** The tail of a log: new text is added at the end, and the view follows as long as it is scrolled to the end; search. */

import { element, inBackground } from "../dom.js";
import { pieces } from "./ansi.js";

const EVERY = 2000;
const MOST_CHARACTERS = 400000;
const MOST_FOUND = 2000;

export function watchLogs(root) {
  for (const box of root.querySelectorAll("[data-log]")) if (!box.dataset.watched) new Log(box);
}

class Log {
  constructor(box) {
    this.box = box;
    this.text = box.matches("pre") ? box : box.querySelector("pre");
    this.offset = Number(box.dataset.offset) || 0;
    box.dataset.watched = "1";
    this.choice = box.closest("section, .card")?.querySelector("[data-log-follow]");
    this.choice?.addEventListener("change", () => this.choice.checked && this.toEnd());
    this.prepareSearch();
    this.toEnd();
    if ("ended" in box.dataset) return;
    this.timer = setInterval(() => this.soon(), EVERY);
  }

  isAtEnd() {
    return this.text.scrollHeight - this.text.scrollTop - this.text.clientHeight < 24;
  }

  follows() {
    return !this.search?.value && this.isAtEnd() && (this.choice?.checked ?? true);
  }

  toEnd() {
    this.text.scrollTop = this.text.scrollHeight;
  }

  soon() {
    if (!this.box.isConnected) return clearInterval(this.timer);
    if (!this.asking && !document.hidden) this.ask();
  }

  async ask() {
    this.asking = true;
    try {
      const address = new URL(this.box.dataset.src, location.href);
      address.searchParams.set("offset", this.offset);
      const answer = await inBackground(address);
      if (answer.ok) this.add(await answer.json());
      // nothing more before a sign-in, which loads the page, nor of what lies in the trash
      if ([401, 404].includes(answer.status)) clearInterval(this.timer);
    } catch {
      // the live mark already says that the server is away
    }
    this.asking = false;
  }

  add({ text, offset, ended }) {
    if (ended) clearInterval(this.timer);
    if (!text) return;
    const follow = this.follows();
    this.offset = offset;
    const { found, classes } = pieces(text, this.classes);
    this.classes = classes;
    this.text.append(...found.map((piece) => (piece.css ? element("span", piece.css, { textContent: piece.text }) : piece.text)));
    while (this.text.textContent.length > MOST_CHARACTERS && this.text.childNodes.length > 1) this.text.firstChild.remove();
    if (this.search?.value) this.find();
    if (follow) this.toEnd();
  }

  prepareSearch() {
    this.search = this.box.closest("section, .card")?.querySelector("[data-log-find]");
    if (!this.search) return;
    this.search.closest("[hidden]")?.removeAttribute("hidden");
    this.told = this.search.parentElement.querySelector("[data-log-found]");
    this.search.addEventListener("input", () => this.find(true));
    this.search.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.go(event.shiftKey ? -1 : 1);
    });
  }

  /** Mark every place where the searched words stand; `anew` goes to the first. */
  find(anew = false) {
    const wanted = this.search.value.toLowerCase();
    this.ranges = [];
    const walker = document.createTreeWalker(this.text, NodeFilter.SHOW_TEXT);
    while (wanted && this.ranges.length < MOST_FOUND && walker.nextNode()) {
      const words = walker.currentNode.data.toLowerCase();
      for (let at = words.indexOf(wanted); at >= 0 && this.ranges.length < MOST_FOUND; at = words.indexOf(wanted, at + wanted.length)) {
        const range = new Range();
        range.setStart(walker.currentNode, at);
        range.setEnd(walker.currentNode, at + wanted.length);
        this.ranges.push(range);
      }
    }
    if (anew) this.place = -1;
    window.CSS?.highlights?.set("found", new Highlight(...this.ranges));
    if (anew && this.ranges.length) return this.go(1);
    this.tell();
  }

  go(step) {
    if (!this.ranges?.length) return this.tell();
    this.place = (this.place + step + this.ranges.length) % this.ranges.length;
    const range = this.ranges[this.place];
    if (window.CSS?.highlights) CSS.highlights.set("found-here", new Highlight(range));
    const [box, at] = [this.text.getBoundingClientRect(), range.getBoundingClientRect()];
    this.text.scrollTop += at.top - box.top - box.height / 3;
    this.tell();
  }

  tell() {
    if (!this.told) return;
    const many = this.ranges?.length || 0;
    this.told.textContent = !this.search.value ? "" : many ? `${this.place + 1} of ${many}${many === MOST_FOUND ? "+" : ""}` : "not found";
  }
}
