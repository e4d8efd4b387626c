/** A query box that says what could be typed next: a combobox whose words come from the server (data-complete). */

import { element, inBackground } from "../dom.js";

const WAIT = 120;
let counted = 0;

/** Make an input a combobox, once; called when it first gets the focus. */
export function complete(input) {
  if (!input.completion) input.completion = new Completion(input);
}

class Completion {
  constructor(input) {
    this.input = input;
    this.list = element("ul", "options", { id: `options-${++counted}`, role: "listbox", hidden: true });
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", "Could be typed next");
    input.parentElement.append(this.list);
    for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false" })) {
      input.setAttribute(name, value);
    }
    input.setAttribute("aria-controls", this.list.id);
    input.addEventListener("input", () => this.soon());
    input.addEventListener("keydown", (event) => this.key(event));
    input.addEventListener("click", () => this.soon());
    input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    if (input.value !== input.defaultValue) this.soon(); // typed while this module was on its way
    this.list.addEventListener("pointerdown", (event) => event.preventDefault());
    this.list.addEventListener("click", ({ target }) => this.take([...this.list.children].indexOf(target.closest("li"))));
  }

  soon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.ask(), WAIT);
  }

  async ask() {
    const { value, selectionStart: at } = this.input;
    const address = new URL(this.input.dataset.complete, location.href);
    address.searchParams.set("text", value);
    address.searchParams.set("at", at);
    const answer = await inBackground(address).catch(() => null);
    if (!answer?.ok || this.input.value !== value || document.activeElement !== this.input) return;
    this.show(await answer.json());
  }

  show({ from, to, options }) {
    this.span = [from, to];
    this.options = options;
    this.at = -1;
    this.list.replaceChildren(
      ...options.map(({ text, about }, place) => {
        const row = element("li", "option", { id: `${this.list.id}-${place}` });
        row.setAttribute("role", "option");
        row.setAttribute("aria-selected", "false");
        row.append(element("code", "", { textContent: text }), element("span", "meta", { textContent: about }));
        return row;
      }),
    );
    this.open(options.length > 0);
  }

  open(shown) {
    this.list.hidden = !shown;
    this.input.setAttribute("aria-expanded", String(shown));
    this.input.removeAttribute("aria-activedescendant");
  }

  close() {
    this.at = -1;
    this.open(false);
  }

  /** Enter sends the form as long as no option was walked to. */
  key(event) {
    if (this.list.hidden) {
      if (event.key === "ArrowDown" || (event.key === " " && event.ctrlKey)) {
        event.preventDefault();
        this.ask();
      }
      return;
    }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) this.walk(step);
    else if (event.key === "Escape") this.close();
    else if ((event.key === "Enter" || event.key === "Tab") && this.at >= 0) this.take(this.at);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  walk(step) {
    const rows = [...this.list.children];
    rows[this.at]?.setAttribute("aria-selected", "false");
    this.at = (this.at + step + rows.length + (this.at < 0 && step < 0 ? 1 : 0)) % rows.length;
    rows[this.at].setAttribute("aria-selected", "true");
    rows[this.at].scrollIntoView({ block: "nearest" });
    this.input.setAttribute("aria-activedescendant", rows[this.at].id);
  }

  take(place) {
    const option = this.options?.[place];
    if (!option) return;
    this.close();
    const [from, to] = this.span;
    const { value } = this.input;
    this.input.value = value.slice(0, from) + option.text + value.slice(to);
    this.input.setSelectionRange(from + option.text.length, from + option.text.length);
    this.input.dispatchEvent(new Event("input", { bubbles: true }));
    this.input.focus();
  }
}
