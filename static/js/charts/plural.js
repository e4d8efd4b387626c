import { count } from "../format.js";

/** A count of things: "1 trial", "12,345 trials". */
export function plural(n, one) {
  return `${count(n)} ${one}${n === 1 ? "" : "s"}`;
}
