/** Quantiles from a histogram's buckets. */

/**
 * The value below which a share of all is, as if those of a bucket were spread evenly over it; undefined if there are none.
 * What is over the last bound counts as that bound.
 */
export function quantileOf(bounds: readonly number[], counts: readonly number[], share: number): number | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return undefined;
  const wanted = share * total;
  let seen = 0;
  for (const [index, count] of counts.entries()) {
    if (count > 0 && seen + count >= wanted) {
      const low = bounds[index - 1] ?? 0;
      const high = bounds[index] ?? low;
      return low + (high - low) * ((wanted - seen) / count);
    }
    seen += count;
  }
  return bounds.at(-1);
}
