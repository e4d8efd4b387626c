/** Notices in their reserved place; what goes wrong with a background request becomes one. */

import { element, on } from "../dom.js";

const FAILURES = {
  0: "The server cannot be reached. Nothing was changed.",
  401: "You are not signed in any more. Load the page again to sign in.",
  403: "You may not do that here.",
  404: "That is not here any more.",
  409: "It has changed in the meantime. Load the page again.",
  429: "Too many requests. Wait a moment.",
};

export function watchNotices() {
  on("click", "[data-dismiss]", (button) => button.closest(".notice")?.remove());
  document.addEventListener("htmx:responseError", ({ detail }) => failed(detail.xhr.status));
  document.addEventListener("htmx:sendError", () => failed(0));
}

function failed(status) {
  notice(FAILURES[status] || `The server answered ${status}. Nothing was changed.`, "error");
}

/** Show a notice; the same words are not shown twice. */
export function notice(words, level = "info") {
  const place = document.querySelector("[data-notices]");
  if (!place) return;
  for (const old of place.querySelectorAll(".notice")) if (old.dataset.words === words) old.remove();
  const box = element("div", `notice notice-${level}`);
  box.dataset.words = words;
  box.setAttribute("role", level === "error" ? "alert" : "status");
  const close = element("button", "button quiet small", { type: "button", textContent: "×", ariaLabel: "Dismiss" });
  close.dataset.dismiss = "";
  box.append(element("div", "", { textContent: words }), close);
  place.append(box);
}

/** What is wrong with the installation for as long as it lasts; empty words take it away. */
export function standing(words) {
  const place = document.querySelector("[data-notices]");
  const shown = place?.querySelector("[data-standing]");
  if (!place || (shown?.textContent.trim() ?? "") === words) return;
  shown?.remove();
  if (!words) return;
  const box = element("div", "notice notice-warning", { textContent: words });
  box.dataset.standing = "";
  box.setAttribute("role", "status");
  place.prepend(box);
}
