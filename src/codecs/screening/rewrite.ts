/** What a screen changes on its way through a message: a copy is made only once there is a change. */

export interface Rewrite {
  /** Leaves out `source[from, to)` and puts `bytes` there instead. Calls go from the front to the back. */
  replace(from: number, to: number, bytes: ArrayLike<number>): void;
  /** The source as it was if nothing was replaced, otherwise the copy. */
  finish(): Uint8Array;
}

export function createRewrite(source: Uint8Array): Rewrite {
  let target: Uint8Array | undefined;
  let length = 0;
  let copied = 0;

  const roomFor = (more: number): Uint8Array => {
    if (target !== undefined && length + more <= target.length) return target;
    const larger = new Uint8Array(Math.max(source.length, 2 * length) + more);
    if (target !== undefined) larger.set(target.subarray(0, length));
    target = larger;
    return larger;
  };

  const append = (bytes: ArrayLike<number>): void => {
    roomFor(bytes.length).set(bytes, length);
    length += bytes.length;
  };

  return {
    replace(from, to, bytes) {
      if (from > copied) append(source.subarray(copied, from));
      if (bytes.length > 0) append(bytes);
      copied = to;
    },
    finish() {
      if (copied === 0) return source;
      append(source.subarray(copied));
      return roomFor(0).subarray(0, length);
    },
  };
}
