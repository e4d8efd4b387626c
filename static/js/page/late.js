/**
 * htmx on pages whose address of it stands in data-htmx: they need it only once something is opened or has changed, and
 * most visits never do. The event that waited for it is sent again.
 */

const KINDS = ["toggle", "tb:refresh"];
let coming = null;

export function watchLate() {
  const address = document.body.dataset.htmx;
  if (!address) return;
  const waiting = new Set();
  const take = async ({ type, target }) => {
    if (globalThis.htmx || !isFor(type, target) || waiting.has(target)) return;
    waiting.add(target);
    coming ??= fetched(address).catch(() => (coming = null));
    await coming;
    waiting.delete(target);
    if (globalThis.htmx && (type !== "toggle" || target.open)) target.dispatchEvent(new Event(type));
  };
  for (const type of KINDS) document.addEventListener(type, take, true);
}

/** Whether htmx listens for this event there: on the element, or on one inside that names it. */
function isFor(type, target) {
  if (type !== "toggle") return target.matches("[hx-trigger]");
  return target.open && (target.matches("[hx-trigger]") || target.querySelector('[hx-trigger*="from:closest"]') !== null);
}

/** htmx looks through the page once it is there; while the page is still being read it would wait for an event that was. */
async function fetched(address) {
  if (document.readyState !== "complete") await new Promise((done) => addEventListener("load", done, { once: true }));
  await new Promise((done, failed) => {
    const script = Object.assign(document.createElement("script"), { src: address, onload: done, onerror: failed });
    document.head.append(script);
  });
}
