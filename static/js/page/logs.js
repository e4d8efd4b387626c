/** The tail of a log: new text is added at the end, and the view follows as long as it is scrolled to the end. */

const EVERY = 2000;
const MOST_CHARACTERS = 400000;

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
    this.toEnd();
    if ("ended" in box.dataset) return;
    this.timer = setInterval(() => this.soon(), EVERY);
  }

  isAtEnd() {
    return this.text.scrollHeight - this.text.scrollTop - this.text.clientHeight < 24;
  }

  follows() {
    return this.isAtEnd() && (this.choice?.checked ?? true);
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
      const answer = await fetch(address, { credentials: "same-origin" });
      if (answer.ok) this.add(await answer.json());
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
    this.text.append(text);
    if (this.text.textContent.length > MOST_CHARACTERS) this.text.firstChild.remove();
    if (follow) this.toEnd();
  }
}
