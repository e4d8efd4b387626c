/** Columns that came as steps from each number to the next; apps/insights/charts/coding.py writes them. */

/** The payload with every such column as plain numbers. */
export function decoded(payload) {
  for (const [name, column] of Object.entries(payload)) if (column?.steps) payload[name] = added(column);
  return payload;
}

function added({ per, steps }) {
  let last = 0;
  return steps.map((step) => (step === null ? null : (last += step) / per));
}
