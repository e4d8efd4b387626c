/** The two or three lines about elements that every module needs. */

/** A new element with a class and properties. */
export function element(tag, className = "", properties = {}) {
  const made = Object.assign(document.createElement(tag), properties);
  if (className) made.className = className;
  return made;
}

/** Listen on the document for an event that happened inside a matching element. */
export function on(type, selector, run, options) {
  document.addEventListener(
    type,
    (event) => {
      const found = event.target instanceof Element ? event.target.closest(selector) : null;
      if (found) run(found, event);
    },
    options,
  );
}

/**
 * Ask the server behind the viewer's back, and say so as htmx does: the answer then takes no notice away that another tab
 * is to show, and who is signed out gets a 401 instead of the sign-in page.
 */
export function inBackground(address, options = {}) {
  return fetch(address, { credentials: "same-origin", ...options, headers: { "HX-Request": "true", ...options.headers } });
}

/** Whether somebody is typing: keys and updates leave such an element alone. */
export function isTyping(target) {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || target.matches("input:not([type=checkbox]):not([type=radio]), textarea, select");
}

/** Remember a choice of the viewer where the server sees it too, so that the next page is drawn with it. */
export function setCookie(name, value) {
  const age = value === null ? 0 : 31536000;
  document.cookie = `${name}=${value ?? ""}; path=/; max-age=${age}; samesite=lax`;
}
