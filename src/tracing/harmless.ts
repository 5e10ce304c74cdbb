/** Whatever an SDK, or a hook, does: the call that it looks at goes on. */

/** Calls what it is given, once, and comes back when that has. */
export type Around = (run: () => void) => void;

/**
 * What `run` returns or throws. If `around` throws, or does not run it, or does so again, that changes nothing.
 * @param failed told of what `around` threw itself
 */
export function runOnce<T>(around: Around, run: () => T, failed: (error: unknown) => void): T {
  const ends: End<T>[] = [];
  const once = (): End<T> => {
    const [end = endOf(run)] = ends;
    ends[0] = end;
    return end;
  };
  try {
    around(once);
  } catch (error) {
    failed(error);
  }
  const end = once();
  if ("thrown" in end) throw end.thrown;
  return end.value;
}

type End<T> = { readonly value: T } | { readonly thrown: unknown };

function endOf<T>(run: () => T): End<T> {
  try {
    return { value: run() };
  } catch (thrown) {
    return { thrown };
  }
}

/** Undefined if it throws. */
export function harmlessly<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
