/** How a connection that we make fails, as far as libzmq tells. */
import type { Dealer, Request } from "zeromq";

/**
 * The server said that it does not take us (`refused`), or that it can't find out (`unchecked`); its security is another than
 * ours (`mismatch`); it went away in the midst of the handshake (`cut`).
 */
export type Trouble = "refused" | "unchecked" | "mismatch" | "cut";

/** @param told of each connection that does not come up, or ends; without a trouble where nobody is there, or went, or said nothing in time */
export function onTrouble({ events }: Dealer | Request, told: (trouble?: Trouble) => void): void {
  events.on("handshake:error:auth", ({ error }) => told(error.status === 500 ? "unchecked" : "refused"));
  events.on("handshake:error:protocol", ({ error }) => {
    told(error.code === "ERR_ZMTP_MECHANISM_MISMATCH" ? "mismatch" : "cut");
  });
  // EAGAIN is the end of the time that a handshake may take.
  events.on("handshake:error:other", ({ error }) => told(error.code === "EAGAIN" ? undefined : "cut"));
  events.on("disconnect", () => told());
  events.on("connect:retry", () => told());
}
