/** The flags of `send`, and which of them go together. */
import type { DestinationFlags } from "./destination.ts";
import { usageError } from "./failure.ts";

/** How what comes back is printed. */
export interface PrintFlags {
  readonly output: "pretty" | "value" | "raw" | "hex" | "json";
  readonly quiet?: boolean;
}

export interface SendFlags extends DestinationFlags, PrintFlags {
  readonly data?: string;
  readonly stream?: boolean;
  readonly inFlight?: number;
  readonly failFast?: boolean;
  readonly frame?: readonly string[];
  readonly socket?: "req" | "dealer";
  readonly identity?: string;
  readonly metadata?: readonly string[];
  readonly timeout?: number;
  readonly retries?: number;
  readonly wait?: boolean;
  readonly count?: number;
  readonly interval?: number;
  readonly verbose?: boolean;
}

/** Throws a usage error for flags, and a BODY, of which one would have to be passed over. */
export function checkTogether(flags: SendFlags, body: string | undefined): void {
  const isDealer = flags.socket === "dealer";
  const hasBody = body !== undefined;
  if (flags.stream) {
    exclude("--stream", {
      "BODY or --data": hasBody,
      "--count": flags.count !== undefined,
      "--interval": flags.interval !== undefined,
      "--frame": flags.frame !== undefined,
      "--socket dealer": isDealer,
    });
  } else if (flags.inFlight !== undefined) throw usageError("--in-flight goes with --stream");
  else if (flags.failFast) throw usageError("--fail-fast goes with --stream");
  if (isDealer) {
    if (flags.frame === undefined)
      throw usageError("--socket dealer wants --frame, once for each frame of the message");
    exclude("--socket dealer", {
      "--handler": flags.handler !== undefined,
      "--metadata": flags.metadata !== undefined,
      "--retries": flags.retries !== undefined,
    });
  } else if (flags.identity !== undefined) throw usageError("--identity goes with --socket dealer");
  if (flags.frame !== undefined) {
    exclude("--frame", {
      "BODY or --data": hasBody,
      [`--codec ${flags.codec}`]: flags.codec !== undefined && flags.codec !== "raw",
      "--proto": flags.proto !== undefined,
    });
  }
}

function exclude(flag: string, others: Readonly<Record<string, boolean>>): void {
  for (const [other, given] of Object.entries(others)) {
    if (given) throw usageError(`${flag} and ${other} exclude each other`);
  }
}
