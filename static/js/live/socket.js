/**
 * The one websocket of a page: subscriptions with cursors, reconnecting with full jitter, and slow polling of the same
 * feed while the socket is away.
 */

import { clock } from "../format.js";

const LONGEST = 30;
const PING_EVERY = 20000;
const SILENCE = 45000;
const POLL_EVERY = 10000;
const NO_CREDENTIAL = 4401;

export const SIGNED_OUT = "Signed out";

/** Seconds until the next try: anywhere between half a second and a bound that doubles up to thirty. */
export function backOff(attempt, random = Math.random()) {
  return 0.5 + random * (Math.min(LONGEST, 2 ** attempt) - 0.5);
}

export class Feed {
  /** hear(stream, events), reset(stream, seq), state(name, words), standing(words) are called as things happen. */
  constructor(address, { feed = "", poll = "", hear, reset, state, standing }) {
    this.address = new URL(address, location.href);
    this.address.protocol = this.address.protocol === "https:" ? "wss:" : "ws:";
    Object.assign(this, { feed, poll, hear, reset, state, standing });
    this.cursors = new Map();
    this.attempt = 0;
    this.heard = Date.now();
    this.paused = false;
    addEventListener("online", () => this.hurry());
    document.addEventListener("visibilitychange", () => !document.hidden && this.hurry());
    setInterval(() => this.watch(), PING_EVERY);
    setInterval(() => this.pollAll(), POLL_EVERY);
  }

  /** Hear of a stream from a cursor on; of two cursors for one stream the older counts. */
  follow(stream, after) {
    if (this.cursors.has(stream)) return;
    this.cursors.set(stream, after);
    if (this.isOpen()) this.subscribe(stream);
    else if (!this.socket && !this.timer && !this.paused) this.connect();
  }

  leave(stream) {
    this.cursors.delete(stream);
    if (this.isOpen()) this.send({ type: "unsubscribe", stream });
  }

  isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  connect() {
    clearInterval(this.timer);
    this.timer = 0;
    this.socket = new WebSocket(this.address);
    this.socket.addEventListener("open", () => this.opened());
    this.socket.addEventListener("message", ({ data }) => this.take(JSON.parse(data)));
    this.socket.addEventListener("close", ({ code }) => this.closed(code));
  }

  opened() {
    this.heard = Date.now();
    for (const stream of this.cursors.keys()) this.subscribe(stream);
    this.send({ type: "ping" });
  }

  subscribe(stream) {
    this.send({ type: "subscribe", stream, after: this.cursors.get(stream), feed: this.feed, batch: true });
  }

  send(message) {
    this.socket.send(JSON.stringify(message));
  }

  take(message) {
    this.heard = Date.now();
    if (message.type === "events") this.give(message.stream, message.events, message.seq);
    if (message.type === "caught_up") this.caughtUp(message);
    if (message.type === "reset") this.startOver(message);
    if (message.type === "pong") this.standing?.(message.standing || "");
    if (message.type === "denied") this.cursors.delete(message.stream);
  }

  give(stream, events, seq) {
    if (!this.cursors.has(stream)) return;
    const known = this.cursors.get(stream);
    this.cursors.set(stream, Math.max(known, seq));
    const fresh = events.filter((event) => event.seq > known);
    if (fresh.length) this.hear(stream, fresh);
  }

  caughtUp({ feed }) {
    this.feed = feed || this.feed;
    this.attempt = 0;
    this.state("live", "Live");
  }

  startOver({ stream, cursor }) {
    const cut = cursor.lastIndexOf(":");
    this.feed = cursor.slice(0, cut);
    this.cursors.set(stream, Number(cursor.slice(cut + 1)));
    this.reset(stream);
    if (this.isOpen()) this.subscribe(stream);
  }

  closed(code) {
    this.socket = null;
    if (this.paused) return;
    if (code === NO_CREDENTIAL) return this.state("offline", SIGNED_OUT);
    const wait = backOff(this.attempt++);
    this.retryAt = Date.now() + wait * 1000;
    this.count();
    this.timer = setInterval(() => this.count(), 250);
  }

  /** Count down to the next try, in words. */
  count() {
    const left = this.retryAt - Date.now();
    if (left <= 0) return this.connect();
    if (this.isOffline()) this.state("offline", `Offline, showing data of ${clock(this.heard)}`);
    else this.state("waiting", `Reconnecting in ${Math.ceil(left / 1000)} s`);
  }

  isOffline() {
    return !navigator.onLine || (this.attempt > 3 && Date.now() - this.heard > 2 * POLL_EVERY);
  }

  hurry() {
    if (this.timer) this.retryAt = Math.min(this.retryAt, Date.now() + 200);
  }

  /** A connection that is silent though it was pinged is dead, whatever the network says. */
  watch() {
    if (!this.isOpen()) return;
    if (Date.now() - this.heard > SILENCE) this.socket.close();
    else this.send({ type: "ping" });
  }

  pause(paused) {
    this.paused = paused;
    clearInterval(this.timer);
    this.timer = 0;
    if (paused) this.socket?.close();
    else if (!this.socket) this.connect();
    if (paused) this.state("offline", "Live paused");
  }

  async pollAll() {
    if (this.isOpen() || this.paused || document.hidden || !this.poll) return;
    for (const stream of this.cursors.keys()) await this.pollOne(stream);
  }

  /** A look at a stream over HTTP, from the same cursor; the same events. */
  async pollOne(stream) {
    const seq = this.cursors.get(stream);
    const query = new URLSearchParams({ stream, after: this.feed ? `${this.feed}:${seq}` : seq, limit: 500 });
    try {
      const answer = await fetch(`${this.poll}?${query}`, { credentials: "same-origin", headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      const { items, cursor, reset } = await answer.json();
      this.heard = Date.now();
      if (reset) this.startOver({ stream, cursor });
      else this.give(stream, items, Number(cursor.slice(cursor.lastIndexOf(":") + 1)));
    } catch {
      // still away; the count-down says so
    }
  }
}
