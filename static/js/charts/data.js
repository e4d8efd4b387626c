/** Where a chart's numbers come from: a block inside the figure or its address; and the events that add to them. */

/** The payload of a figure. Throws an Error with words for people when it cannot be had. */
export async function load(figure) {
  const block = figure.querySelector('script[type="application/json"]');
  if (block) return JSON.parse(block.textContent);
  const answer = await ask(figure.dataset.src);
  if (answer.status === 403 || answer.status === 404) throw new Error("This chart is not here any more, or not yours to see.");
  if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
  return answer.json();
}

async function ask(address) {
  try {
    return await fetch(address, { headers: { Accept: "application/json" }, cache: "no-cache", credentials: "same-origin" });
  } catch {
    throw new Error("The server cannot be reached.");
  }
}

/** Call back for each live event of the figure's stream, as {kind, payload}. */
export function follow(figure, run) {
  const stream = figure.dataset.streamOf || figure.closest("[data-stream]")?.dataset.stream;
  document.addEventListener("tb:event", ({ detail }) => {
    if (figure.isConnected && (!stream || detail.stream === stream)) run(detail);
  });
}

/** The address of a trial's page from the figure's pattern, or null when there is none. */
export function hrefOf(figure) {
  const pattern = figure.dataset.href;
  return pattern ? (trial) => pattern.replace("{number}", trial) : null;
}

export const GOAL_WORDS = { minimize: "↓ lower is better", maximize: "↑ higher is better" };

export function isBetter(goal, a, b) {
  return b === null || (goal === "maximize" ? a > b : a < b);
}
