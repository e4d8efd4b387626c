/** The words of a state; its class is the state in lower case, and its icon in the sprite has the name of the class. */

const STATUS_WORDS = {
  CREATED: "Created",
  WAITING: "Waiting",
  RUNNING: "Running",
  NO_MORE_TRIAL: "No more trials",
  FINISHED: "Succeeded",
  EARLY_STOPPED: "Stopped early",
  FAILED: "Failed",
  USER_CANCELED: "Stopped",
  SYS_CANCELED: "Cancelled",
  UNKNOWN: "Unknown",
  PAUSED: "Paused",
  PAUSING: "Pausing",
  DRAINING: "Draining",
  STOPPING: "Stopping",
};

export const ENDED = new Set(["FINISHED", "EARLY_STOPPED", "FAILED", "USER_CANCELED", "SYS_CANCELED"]);

export function statusWords(state) {
  return STATUS_WORDS[state] || state;
}

export function statusClass(state) {
  return `status-${String(state).toLowerCase()}`;
}

/** The state to show: what is, unless a person asked for something that has not happened yet. */
export function shownState(status, desired = "run") {
  if (ENDED.has(status)) return status;
  if (desired === "stop") return "STOPPING";
  if (desired === "drain") return "DRAINING";
  if (desired === "pause") return status === "RUNNING" ? "PAUSING" : "PAUSED";
  return status;
}
