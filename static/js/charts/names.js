/** Names beside each other, cut so that they stay apart. */

/** A name from the part on that tells it from all the others; the whole name when it starts differently at once. */
export function telling(name, all) {
  let shared = 0;
  for (const other of all) {
    if (other === name) continue;
    let same = 0;
    while (same < name.length && name[same] === other[same]) same += 1;
    shared = Math.max(shared, same);
  }
  const behind = (...marks) => Math.max(...marks.map((mark) => name.lastIndexOf(mark, shared - 1))) + 1;
  const start = behind(".", "/") || behind("_", "-");
  return start > 3 && shared > 0 ? `…${name.slice(start)}` : name;
}

/** A name in so much room: whole, else from its telling part on and cut at the end, else cut in the middle. */
export function named(ctx, name, all, room) {
  const part = telling(name, all);
  if (part === name || ctx.measureText(name).width <= room) return fit(ctx, name, room);
  let words = part;
  while (words.length > 2 && ctx.measureText(words).width > room) words = `${words.slice(0, -2)}…`;
  return words;
}

/** Text cut in the middle to a width. */
export function fit(ctx, text, width) {
  let words = String(text);
  if (ctx.measureText(words).width <= width) return words;
  let keep = words.length;
  while (keep > 2) {
    keep -= 1;
    const cut = `${words.slice(0, Math.ceil(keep / 2))}…${words.slice(words.length - Math.floor(keep / 2))}`;
    if (ctx.measureText(cut).width <= width) return cut;
  }
  return words.slice(0, 1);
}
