/** Names for calls, unlike those of any other run of any host. */
import { randomBytes } from "node:crypto";

/** Each call of the result gives the next one, such as `k3J9aQ-1z`. */
export function createRequestIds(): () => string {
  const run = randomBytes(5).toString("base64url").replace(/[-_]/g, "0");
  let count = 0;
  return () => `${run}-${(++count).toString(36)}`;
}
