/** Forms: submit once, submit on change, rows that can be added and removed, parts that depend on a choice, drafts. */

import { element, inBackground, on } from "../dom.js";
import { clock } from "../format.js";

const DRAFT_AGE = 7 * 86400 * 1000;
const SENT = "draft-sent";
const NOT_KEPT = new Set(["hidden", "password", "file", "submit", "button"]);

export function watchForms() {
  on("change", "select[data-autosubmit], input[data-autosubmit]", (field) => field.form.requestSubmit());
  on("submit", "form[data-once]", (form, event) => {
    if (form.dataset.sent) return event.preventDefault();
    form.dataset.sent = "1";
    addEventListener("pageshow", () => delete form.dataset.sent, { once: true });
  });
  on("click", "[data-rowset-add]", (button, event) => {
    event.preventDefault();
    addRow(button.closest("[data-rowset]"));
  });
  on("click", "[data-rowset-remove]", (button, event) => {
    event.preventDefault();
    removeRow(button.closest("[data-rowset-row]"));
  });
  on("change", "select[data-switch]", switchParts);
  forgetSent();
  prepareForms(document);
}

/** Bring new parts of the page into their state. */
export function prepareForms(root) {
  root.querySelectorAll("select[data-switch]").forEach(switchParts);
  root.querySelectorAll("form[data-draft]").forEach(keepDraft);
}

function rowsOf(set) {
  return [...set.querySelectorAll("[data-rowset-row]")];
}

/** One more row from the template; returns it. */
export function addRow(set) {
  const total = set.querySelector("[data-rowset-total]");
  const number = total ? Number(total.value) : rowsOf(set).length;
  const template = set.querySelector("template[data-rowset-template]");
  const copy = template.content.cloneNode(true);
  for (const part of copy.querySelectorAll("*")) {
    for (const { name, value } of [...part.attributes]) {
      if (value.includes("__prefix__")) part.setAttribute(name, value.replaceAll("__prefix__", number));
    }
  }
  const row = copy.querySelector("[data-rowset-row]");
  (set.querySelector("[data-rowset-rows]") || set).append(copy);
  if (total) total.value = number + 1;
  row.querySelectorAll("select[data-switch]").forEach(switchParts);
  row.querySelector("input:not([type=hidden]), select, textarea")?.focus();
  set.dispatchEvent(new Event("input", { bubbles: true }));
  return row;
}

/** Take a row away: a stored one is marked for deletion, any other leaves and the rest are numbered anew. */
function removeRow(row) {
  const set = row.closest("[data-rowset]");
  const mark = row.querySelector('input[name$="-DELETE"]');
  const neighbour = row.previousElementSibling?.querySelector?.("[data-rowset-remove]");
  if (mark) {
    mark.checked = true;
    mark.value ||= "on";
    row.hidden = true;
  } else {
    row.remove();
    renumber(set);
  }
  (neighbour || set.querySelector("[data-rowset-add]"))?.focus();
  set.dispatchEvent(new Event("input", { bubbles: true }));
}

function renumber(set) {
  const rows = rowsOf(set);
  rows.forEach((row, number) => {
    for (const part of row.querySelectorAll("[name], [id], [for], [aria-describedby]")) {
      for (const name of ["name", "id", "for", "aria-describedby"]) {
        const value = part.getAttribute(name);
        if (value) part.setAttribute(name, value.replace(/-\d+-/, `-${number}-`));
      }
    }
  });
  const total = set.querySelector("[data-rowset-total]");
  if (total) total.value = rows.length;
}

/** Parts marked data-when show only for their values of the select; hidden fields are not sent. */
function switchParts(select) {
  const scope = select.closest("[data-rowset-row], fieldset, form");
  for (const part of scope.querySelectorAll("[data-when]")) {
    const shown = part.dataset.when.split(/\s+/).includes(select.value);
    part.hidden = !shown;
    part.querySelectorAll("input, select, textarea").forEach((field) => (field.disabled = !shown));
    if (part.matches("input, select, textarea")) part.disabled = !shown;
  }
}

/** Keep what is typed until the form has been taken, and put it back when the page comes again: in the browser, or where the form
 * says so on the server, which puts it back itself; the browser then keeps only what the server could not be told, and the
 * tab what it would not take because another tab has kept a draft of the same form. */
function keepDraft(form) {
  const place = `draft:${location.pathname}:${form.dataset.draft}`;
  if (form.dataset.kept) return;
  form.dataset.kept = "1";
  if (!("bound" in form.dataset)) restore(form, place);
  let timer = 0;
  const save = (leaving = false) => {
    timer = 0;
    if ("draftKept" in form.dataset) tellServer(form, place, leaving);
    else store(place, { at: Date.now(), fields: fieldsOf(form) });
  };
  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => save(), "draftKept" in form.dataset ? 1500 : 300);
  });
  const leave = ({ submitter }) => {
    clearTimeout(timer);
    if (timer && "draftKept" in form.dataset && !submitter?.value.startsWith("create")) save(true);
    timer = 0;
  };
  form.addEventListener("submit", (event) => {
    leave(event);
    store(place, { at: Date.now(), fields: fieldsOf(form) }, sessionStorage);
    store(SENT, place, sessionStorage);
  });
  addEventListener("pagehide", leave);
}

async function tellServer(form, place, leaving) {
  const [sent, said] = [new FormData(form), form.querySelector("[data-draft-said]")];
  sent.set("do", "autosave");
  const draft = { at: Date.now(), fields: fieldsOf(form) };
  if (leaving && "elsewhere" in form.dataset) store(place, draft, sessionStorage); // nobody hears the answer
  const answer = await inBackground(form.action, { method: "POST", body: sent, keepalive: leaving }).catch(() => null);
  const [kept, isElsewhere] = [answer?.ok, answer?.status === 409];
  store(place, kept || isElsewhere ? null : draft);
  store(place, isElsewhere ? draft : null, sessionStorage);
  form.toggleAttribute("data-elsewhere", isElsewhere);
  if (!said) return;
  if (isElsewhere) said.textContent = "Kept in this tab: another tab has a newer draft. “Save draft” replaces it.";
  else said.textContent = kept ? `Saved at ${clock(Date.now())}` : "Kept in this browser";
}

function fieldsOf(form) {
  return [...form.elements].filter(isKept).map((field) => [field.name, valueOf(field)]);
}

function isKept(field) {
  return field.name && !field.disabled && !NOT_KEPT.has(field.type) && !field.closest("[data-no-draft]");
}

function valueOf(field) {
  return field.matches("[type=checkbox], [type=radio]") ? { value: field.value, on: field.checked } : field.value;
}

function restore(form, place) {
  const draft = recall(place);
  if (!draft || Date.now() - draft.at > DRAFT_AGE) return;
  const before = JSON.stringify(fieldsOf(form));
  if (JSON.stringify(draft.fields) === before) return;
  for (const [name, value] of draft.fields) put(form, name, value);
  form.querySelectorAll("select[data-switch]").forEach(switchParts);
  for (const [name, value] of draft.fields) put(form, name, value);
  form.closest("details")?.setAttribute("open", "");
  offerDiscard(form, place, draft.at);
}

function put(form, name, value) {
  let found = [...form.elements].filter((field) => field.name === name);
  const [set, number] = [form.querySelector(`[data-rowset="${CSS.escape(name.split("-")[0])}"]`), Number(/-(\d+)-/.exec(name)?.[1])];
  while (!found.length && set && rowsOf(set).length <= number && number < 200) {
    addRow(set);
    found = [...form.elements].filter((field) => field.name === name);
  }
  for (const field of found) {
    if (typeof value === "object") field.checked = field.value === value.value ? value.on : field.checked;
    else field.value = value;
  }
}

function offerDiscard(form, place, at) {
  const line = element("p", "notice notice-info", { textContent: `Draft of ${clock(at)} put back. ` });
  line.setAttribute("role", "status");
  const discard = element("button", "button small", { type: "button", textContent: "Discard" });
  discard.addEventListener("click", () => {
    forget(place);
    location.reload();
  });
  line.append(discard);
  form.prepend(line);
}

function store(place, value, where = localStorage) {
  try {
    if (value === null) where.removeItem(place);
    else where.setItem(place, JSON.stringify(value));
  } catch {
    // private windows and full disks have no storage; the form works without
  }
}

function forget(place) {
  store(place, null);
  store(place, null, sessionStorage);
}

/** The draft that was sent from here is not needed any more, unless it was refused: then its form has it when it comes again. */
function forgetSent() {
  const place = recall(SENT);
  if (!place) return;
  store(SENT, null, sessionStorage);
  const wasSignedOut = document.referrer && new URL(document.referrer).pathname.endsWith("/login");
  if (!wasSignedOut && !("refused" in document.body.dataset)) forget(place);
}

function recall(place) {
  try {
    return JSON.parse(sessionStorage.getItem(place) || localStorage.getItem(place));
  } catch {
    return null;
  }
}
