/** Theme and density without a reload; the server reads the same cookies and draws the next page with them. */

import { on, setCookie } from "../dom.js";

const NEXT_THEME = { system: "light", light: "dark", dark: "system" };

export function watchAppearance() {
  on("click", "button[name=theme]", (button, event) => (event.preventDefault(), choose("theme", button.value, "system")));
  on("click", "button[name=density]", (button, event) => (event.preventDefault(), choose("density", button.value, "comfortable")));
  on("click", "[data-theme-toggle]", () => choose("theme", NEXT_THEME[document.documentElement.dataset.theme || "system"], "system"));
  on("click", "[data-density-toggle]", () =>
    choose("density", document.documentElement.dataset.density ? "comfortable" : "compact", "comfortable"),
  );
}

function choose(name, value, usual) {
  const chosen = value === usual ? null : value;
  setCookie(name, chosen);
  if (chosen) document.documentElement.dataset[name] = chosen;
  else delete document.documentElement.dataset[name];
}
