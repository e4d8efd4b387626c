/** What somebody works in: an update leaves it alone. */

/** Whether somebody works inside: has the focus there, or a menu or dialog of it open. */
export function isBusy(region) {
  const focused = document.activeElement;
  if (focused && focused !== document.body && focused !== region && region.contains(focused)) return true;
  return Boolean(region.querySelector("details[open][data-menu], dialog[open]"));
}

/** The menus in which something was typed or chosen that has not been sent. They are known by their id. */
export function editedMenus(region) {
  return [...region.querySelectorAll("details[data-menu][id]")].filter((menu) => [...menu.querySelectorAll("input, textarea, select")].some(isEdited));
}

function isEdited(field) {
  if (field.matches("select")) return field.selectedIndex !== Math.max(0, [...field.options].findIndex((option) => option.defaultSelected));
  return field.matches("[type=checkbox], [type=radio]") ? field.checked !== field.defaultChecked : field.value !== field.defaultValue;
}
