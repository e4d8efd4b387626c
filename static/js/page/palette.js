/** The command palette: jump to an experiment, a view or a page, or do what the page offers. Loaded when first asked for. */

import { element, inBackground } from "../dom.js";

const WAIT = 120;
const KINDS = { trial: "Trial", experiment: "Experiment", view: "View", page: "Page", search: "Search", act: "On this page" };

/** Open the palette; `address` answers `?q=` with what there is to jump to. `ahead` has been typed already. */
export function openPalette(address, acts, ahead) {
  if (document.querySelector("dialog.palette")) return;
  new Palette(address, acts, ahead);
}

class Palette {
  constructor(address, acts, ahead) {
    this.address = address;
    this.acts = acts;
    this.at = 0;
    this.dialog = element("dialog", "dialog palette", { ariaLabel: "Search or jump" });
    this.input = element("input", "", { type: "text", placeholder: "Search or jump", autocomplete: "off", value: ahead.text });
    for (const [name, value] of Object.entries({
      role: "combobox",
      "aria-expanded": "true",
      "aria-controls": "palette-items",
      "aria-label": "Search or jump",
    })) {
      this.input.setAttribute(name, value);
    }
    this.list = element("ul", "options", { id: "palette-items" });
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "Where to");
    this.dialog.append(this.input, this.list);
    document.body.append(this.dialog);
    this.dialog.addEventListener("close", () => this.dialog.remove());
    this.dialog.addEventListener("click", (event) => event.target === this.dialog && this.dialog.close());
    this.dialog.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("input", () => this.soon());
    this.list.addEventListener("click", ({ target }) => this.go([...this.list.children].indexOf(target.closest("li"))));
    this.dialog.showModal();
    this.hurried = ahead.hurried;
    this.show([]);
    this.ask();
  }

  soon() {
    this.hurried = false;
    this.show(this.found || []);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), WAIT);
  }

  async ask() {
    const asked = this.input.value;
    const address = new URL(this.address, location.href);
    address.searchParams.set("q", asked);
    const answer = await inBackground(address).catch(() => null);
    if (!answer?.ok || this.input.value !== asked) return;
    this.found = (await answer.json()).items;
    this.answered = asked;
    this.show(this.found);
    if (this.hurried) this.go(this.at);
  }

  show(found) {
    const wanted = this.input.value.trim().toLowerCase();
    const acts = this.acts.filter(({ words }) => words.toLowerCase().includes(wanted));
    const experiments = found.filter(({ kind }) => kind === "trial" || kind === "experiment");
    const search = found.filter(({ kind }) => kind === "search");
    const rest = found.filter((item) => !experiments.includes(item) && !search.includes(item));
    this.items = wanted ? [...experiments, ...rest, ...acts, ...search] : [...acts, ...experiments, ...rest];
    this.at = 0;
    this.list.replaceChildren(...this.items.map((item, place) => this.row(item, place)));
    this.mark();
  }

  row({ words, kind, about, key }, place) {
    const row = element("li", "option", { id: `palette-${place}` });
    row.setAttribute("role", "option");
    row.append(element("span", "", { textContent: words }), element("span", "meta", { textContent: about || KINDS[kind] }));
    if (key) row.append(...key.split(" ").map((stroke) => element("kbd", "", { textContent: stroke })));
    return row;
  }

  mark() {
    [...this.list.children].forEach((row, place) => row.setAttribute("aria-selected", String(place === this.at)));
    const row = this.list.children[this.at];
    if (row) this.input.setAttribute("aria-activedescendant", row.id);
    else this.input.removeAttribute("aria-activedescendant");
    row?.scrollIntoView({ block: "nearest" });
  }

  key(event) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && this.items.length) {
      this.at = (this.at + step + this.items.length) % this.items.length;
      this.mark();
    } else if (event.key === "Enter" && this.answered !== this.input.value) this.hurried = true; // goes when the answer is there
    else if (event.key === "Enter") this.go(this.at);
    else if (event.key !== "Tab") return; // there is but one place for the focus
    event.preventDefault();
  }

  go(place) {
    const item = this.items[place];
    if (!item) return;
    this.dialog.close();
    if (item.run) item.run();
    else location.assign(item.address);
  }
}
