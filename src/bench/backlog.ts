/** Times in the order they came, in a ring that grows up to its bound and no further. */

export interface Backlog {
  readonly size: number;
  /** False if there is no room. */
  push(time: number): boolean;
  /** The oldest; undefined if there is none. */
  shift(): number | undefined;
}

const FIRST_ROOM = 1024;

export function createBacklog(most: number): Backlog {
  let ring = new Float64Array(Math.min(most, FIRST_ROOM));
  let first = 0;
  let size = 0;

  function grow(): void {
    const larger = new Float64Array(Math.min(most, ring.length * 2));
    larger.set(ring.subarray(first));
    larger.set(ring.subarray(0, first), ring.length - first);
    ring = larger;
    first = 0;
  }

  return {
    get size() {
      return size;
    },
    push(time) {
      if (size === most) return false;
      if (size === ring.length) grow();
      ring[(first + size++) % ring.length] = time;
      return true;
    },
    shift() {
      if (size === 0) return undefined;
      const time = ring[first];
      first = (first + 1) % ring.length;
      size--;
      return time;
    },
  };
}
