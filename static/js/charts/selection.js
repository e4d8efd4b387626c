/** The trials that the brush keeps, known to every chart of one source: a set of numbers, or null for all. */

const chosen = new Map();

export function selected(figure) {
  return chosen.get(figure.dataset.src) || null;
}

/** Keep these trials of a figure's source; other charts of it hear "tb:selected". */
export function select(figure, numbers) {
  if (numbers) chosen.set(figure.dataset.src, numbers);
  else chosen.delete(figure.dataset.src);
  document.dispatchEvent(new CustomEvent("tb:selected", { detail: { src: figure.dataset.src } }));
}

/** Call back when the selection of a figure's source changes. */
export function onSelected(figure, run) {
  document.addEventListener("tb:selected", ({ detail }) => detail.src === figure.dataset.src && run());
}
