/**
 * The candidate that was most likely meant by a misspelt word, or undefined where none is near. Near is at most a third
 * of the word's letters wrong (one at least, but never all); letter case does not count.
 */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = word.toLowerCase();
  let limit = Math.min(Math.max(1, Math.floor(Math.min(wanted.length, 64) / 3)), wanted.length - 1);
  let best: string | undefined;
  let bestShared = 0;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) > limit) continue;
    const distance = editDistance(wanted, candidate.toLowerCase());
    if (distance > limit) continue;
    // Of two that are equally near the one whose ends agree more: app3 rather than app for ap3.
    const shared = sharedEnds(wanted, candidate.toLowerCase());
    if (best !== undefined && distance === limit && shared <= bestShared) continue;
    best = candidate;
    bestShared = shared;
    limit = distance;
    if (distance === 0) break;
  }
  return best;
}

/** ` Did you mean "x"?` with a leading space, or nothing: to be put after a sentence. */
export function didYouMean(word: string, candidates: Iterable<string>): string {
  const found = closest(word, candidates);
  return found === undefined ? '' : ` Did you mean "${found}"?`;
}

/** `"a", "b" and "c"`, for messages; the rest is counted where there are more than `most`. */
export function quotedList(words: readonly string[], most = 12): string {
  const shown = words.slice(0, most).map((word) => `"${word}"`);
  if (words.length > most) return `${shown.join(', ')} and ${words.length - most} more`;
  if (shown.length < 2) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}

function sharedEnds(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let head = 0;
  while (head < most && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < most - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  return head + tail;
}

/** Insertions, deletions, replacements, and swaps of two neighbours, each counted once. */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min((last[j - 1] ?? 0) + (same ? 0 : 1), (last[j] ?? 0) + 1, (row[j - 1] ?? 0) + 1);
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (swapped) cost = Math.min(cost, (beforeLast[j - 2] ?? 0) + 1);
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return last[b.length] ?? 0;
}
