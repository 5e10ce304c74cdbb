/** Words of messages: which name somebody meant, lists, and texts cut to fit. */

/** `; did you mean "x"?` if one is near, otherwise `; there are x, y and z` (or nothing, if there are none). */
export function suggestion(wrong: string, names: Iterable<string>): string {
  const known = [...new Set(names)];
  const near = nearestName(wrong, known);
  if (near !== undefined) return `; did you mean ${JSON.stringify(near)}?`;
  if (known.length === 0) return "";
  const shown = known.slice(0, 20);
  const more = known.length - shown.length;
  return `; there ${known.length === 1 ? "is only" : "are"} ${listed(shown)}${more > 0 ? ` (and ${more} more)` : ""}`;
}

/** `a`, `a and b`, `a, b and c`; with another last word, `a, b or c`. */
export function listed(words: readonly string[], lastWord = "and"): string {
  if (words.length < 2) return words.join("");
  return `${words.slice(0, -1).join(", ")} ${lastWord} ${words.at(-1)}`;
}

/** `1 reply`, `2 replies` */
export function numbered(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** At most `most` characters of a text; an ellipsis is the last of them if there were more. */
export function shorten(text: string, most = 60): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}

export function firstLine(text: string): string {
  return text.split("\n", 1)[0] ?? "";
}

/** The name with the fewest edits to `wrong`, if those are at most a third of its letters (one is always allowed). */
export function nearestName(wrong: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let fewest = Math.max(1, Math.floor(wrong.length / 3)) + 1;
  for (const name of names) {
    const edits = editDistance(wrong.toLowerCase(), name.toLowerCase(), fewest);
    if (edits < fewest) [best, fewest] = [name, edits];
  }
  return best;
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment); `limit` if they are as many or more. */
function editDistance(left: string, right: string, limit: number): number {
  if (Math.abs(left.length - right.length) >= limit) return limit;
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const same = left[row - 1] === right[column - 1];
      let cost = Math.min(
        at(previous, column) + 1,
        at(current, column - 1) + 1,
        at(previous, column - 1) + (same ? 0 : 1),
      );
      if (row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]) {
        cost = Math.min(cost, at(beforePrevious, column - 2) + 1);
      }
      current.push(cost);
    }
    [beforePrevious, previous] = [previous, current];
  }
  return Math.min(at(previous, right.length), limit);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
