/** One server of a client: its address, the connections to it, and what is known of it. */
import type { Trouble } from "../transports/zmq/trouble.ts";
import type { Connection, ConnectionLimits, ConnectionOptions, CurveKeys } from "./connection.ts";

export interface ServerOptions<Kind extends string> {
  readonly limits: ConnectionLimits;
  /** For a server that asks for keys. */
  readonly curve?: CurveKeys | undefined;
  /** How a connection of each kind is made. There is one of each at most. */
  readonly open: Readonly<Record<Kind, (options: ConnectionOptions) => Connection>>;
}

/** Who waits for a connection to come up. */
export interface Waiter {
  up(connection: Connection): void;
  failed(): void;
}

/** A connection that is up, or on the way. */
interface Door {
  readonly connection: Connection;
  readonly waiters: Set<Waiter>;
}

/** How long one that failed is tried after all others; it doubles with each time in a row. */
const PASSED_OVER_MS = 500;
const LONGEST_PASSED_OVER_MS = 10_000;

export class Server<Kind extends string> {
  readonly address: string;
  /** Why the last connection failed, if libzmq told. */
  trouble: Trouble | undefined;
  readonly #options: ServerOptions<Kind>;
  readonly #doors = new Map<Kind, Door>();
  /** `performance.now()` until which it is passed over. */
  #passedOverUntil = 0;
  #failures = 0;

  constructor(address: string, options: ServerOptions<Kind>) {
    this.address = address;
    this.#options = options;
  }

  /** The connection of a kind, if it is up. */
  ready(kind: Kind): Connection | undefined {
    const connection = this.#doors.get(kind)?.connection;
    return connection?.isUp() ? connection : undefined;
  }

  /** The fewer the sooner it is asked: how many are in flight, and infinitely many while it is passed over. */
  rank(kind: Kind, now: number): number {
    if (this.#passedOverUntil > now) return Number.POSITIVE_INFINITY;
    return this.#doors.get(kind)?.connection.inFlight() ?? 0;
  }

  /** Tells `waiter` when the connection is up, perhaps at once, or has failed. Throws if there is no socket left. */
  enter(kind: Kind, waiter: Waiter): void {
    const door = this.#doors.get(kind) ?? this.#open(kind);
    if (door.connection.isUp()) waiter.up(door.connection);
    else door.waiters.add(waiter);
  }

  /** A connection that nobody waits for any more, and that is not up, will not be. */
  leave(kind: Kind, waiter: Waiter): void {
    const door = this.#doors.get(kind);
    if (door === undefined || !door.waiters.delete(waiter) || door.waiters.size > 0) return;
    this.#doors.delete(kind);
    door.connection.close();
  }

  passOver(): void {
    const ms = Math.min(PASSED_OVER_MS * 2 ** this.#failures++, LONGEST_PASSED_OVER_MS);
    this.#passedOverUntil = performance.now() + ms;
  }

  /** Whether it is likely that keys are what is wrong, and another try of no use. */
  mayNotHaveUs(): boolean {
    const { trouble } = this;
    return trouble === "refused" || trouble === "mismatch" || (trouble === "cut" && this.#options.curve !== undefined);
  }

  close(): void {
    for (const { connection } of this.#doors.values()) connection.close();
  }

  /** @param isSecond the first one was cut */
  #open(kind: Kind, waiters = new Set<Waiter>(), isSecond = false): Door {
    const { limits, curve, open } = this.#options;
    this.trouble = undefined;
    const forget = (): void => {
      if (this.#doors.get(kind) === door) this.#doors.delete(kind);
    };
    const connection = open[kind]({
      address: this.address,
      limits,
      curve,
      events: {
        up: () => {
          this.#failures = 0;
          this.#passedOverUntil = 0;
          for (const waiter of take(waiters)) waiter.up(connection);
        },
        failed: (trouble) => {
          forget();
          connection.close();
          // One that restarts looks like one whose key is another, once.
          const again = trouble === "cut" && curve !== undefined && !isSecond && waiters.size > 0;
          if (again && this.#openAgain(kind, waiters)) return;
          this.trouble = trouble;
          this.passOver();
          for (const waiter of take(waiters)) waiter.failed();
        },
        lost: forget,
      },
    });
    const door = { connection, waiters };
    this.#doors.set(kind, door);
    return door;
  }

  /** False if there is no socket left: nobody could catch that here. */
  #openAgain(kind: Kind, waiters: Set<Waiter>): boolean {
    try {
      this.#open(kind, waiters, true);
      return true;
    } catch {
      return false;
    }
  }
}

function take<T>(items: Set<T>): T[] {
  const taken = [...items];
  items.clear();
  return taken;
}
