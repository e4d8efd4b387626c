/** Menus (details[data-menu]) one at a time, with Escape, a click outside and arrow keys; dialogs; confirmations; copying. */

import { element, on } from "../dom.js";

const ITEMS = "a[href], button:not([disabled]), input:not([type=hidden]), select";

export function watchMenus() {
  document.addEventListener("toggle", ({ target }) => {
    if (!target.matches?.("details[data-menu][open]")) return;
    closeMenus(target);
    place(target);
    target.querySelector("[data-first]")?.focus();
  }, true);
  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    const menu = detail.target.closest?.("details[data-menu]");
    if (menu) place(menu);
  });
  addEventListener("scroll", () => document.querySelectorAll("details[data-menu][open]").forEach(place), { capture: true, passive: true });
  document.addEventListener("click", ({ target }) => closeMenus(target instanceof Element ? target.closest("details[data-menu]") : null));
  document.addEventListener("keydown", menuKey);
  on("click", "[data-dialog]", (button) => {
    const dialog = document.getElementById(button.dataset.dialog);
    if (dialog && !dialog.open) dialog.showModal();
  });
  on("click", "[data-dialog-close]", (button) => button.closest("dialog").close());
  document.addEventListener("submit", confirmFirst, true);
  on("click", "[data-copy], [data-copy-from]", copy);
}

/** A panel that would be cut off, by what scrolls around it or by the window's edge, is put over everything instead. */
function place(menu) {
  const panel = menu.querySelector(".panel");
  if (!menu.open || !panel) return;
  const width = document.documentElement.clientWidth;
  if (panel.style.position !== "fixed" && !menu.closest(".table-scroll") && panel.getBoundingClientRect().left >= 0) return;
  const { top, bottom, right } = menu.querySelector("summary").getBoundingClientRect();
  const below = bottom + panel.offsetHeight + 8 < innerHeight || top < panel.offsetHeight;
  Object.assign(panel.style, { position: "fixed", left: "auto" });
  panel.style.right = `${Math.max(8, Math.min(width - right, width - panel.offsetWidth - 8))}px`;
  panel.style.top = below ? `${bottom + 4}px` : `${top - panel.offsetHeight - 4}px`;
}

function closeMenus(except) {
  for (const menu of document.querySelectorAll("details[data-menu][open]")) {
    if (menu !== except && !menu.contains(except)) menu.open = false;
  }
}

function menuKey(event) {
  const inside = event.target instanceof Element && event.target !== document.body;
  const menu = inside ? event.target.closest("details[data-menu][open]") : event.key === "Escape" && document.querySelector("details[data-menu][open]");
  if (!menu) return;
  if (event.key === "Tab") return void setTimeout(() => closeMenus(document.activeElement)); // it would stay over what has the focus then
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (event.key === "Escape") {
    menu.open = false;
    menu.querySelector("summary").focus();
  } else if (step && !event.target.matches("input, select, textarea")) {
    const items = [...menu.querySelectorAll(ITEMS)].filter((item) => item.offsetParent !== null);
    const at = items.indexOf(document.activeElement);
    items.at((at + step + (at < 0 && step < 0 ? 1 : 0)) % items.length)?.focus();
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

/** A form or button with data-confirm asks before it submits. */
function confirmFirst(event) {
  const form = event.target;
  const question = event.submitter?.dataset.confirm ?? form.dataset.confirm;
  if (!question || form.dataset.confirmed) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const dialog = element("dialog", "dialog");
  const box = element("form", "", { method: "dialog" });
  const row = element("div", "row");
  const yes = element("button", "button danger primary", { value: "yes", textContent: event.submitter?.dataset.confirmWords || event.submitter?.textContent.trim() || "Go on" });
  row.append(element("button", "button", { value: "no", textContent: "Cancel" }), yes);
  box.append(element("p", "", { textContent: question }), row);
  dialog.append(box);
  document.body.append(dialog);
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (dialog.returnValue !== "yes") return back(event.submitter);
    form.dataset.confirmed = "1";
    form.requestSubmit(event.submitter);
    delete form.dataset.confirmed;
  });
  dialog.showModal();
}

/** The focus to what was left; to what opens its menu where that has closed meanwhile. */
function back(to) {
  const menu = to?.closest("details[data-menu]");
  (menu && !menu.open ? menu.querySelector("summary") : to)?.focus();
}

/** Buttons that are of no use without scripts come hidden. */
export function showCopyButtons(root) {
  root.querySelectorAll("[data-copy][hidden], [data-copy-from][hidden], [data-help][hidden], [data-tick-clear][hidden]").forEach((button) => (button.hidden = false));
}

async function copy(button) {
  const source = button.dataset.copyFrom ? document.querySelector(button.dataset.copyFrom) : null;
  const text = button.dataset.copy ?? source?.value ?? source?.textContent ?? "";
  const done = await writeClipboard(text);
  const label = button.querySelector("[data-copy-words]") || button;
  const before = (button.dataset.words ||= label.textContent);
  label.textContent = done ? "Copied" : "Press Ctrl+C";
  setTimeout(() => (label.textContent = before), 1500);
}

/** The clipboard needs a secure origin; elsewhere a selected text field does. */
async function writeClipboard(text) {
  if (navigator.clipboard && window.isSecureContext) {
    return navigator.clipboard.writeText(text).then(() => true, () => false);
  }
  const field = element("textarea", "visually-hidden", { value: text });
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  return done;
}
