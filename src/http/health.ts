/** `/livez` and `/readyz`, for whoever decides if a host lives and if it gets requests. */
import type { HostView } from "./host-view.ts";
import { type Routes, reply } from "./listener.ts";

export function healthRoutes(host: HostView): Routes {
  return {
    // Whoever gets this answer knows that the loop turns.
    "/livez": { method: "GET", anyHost: true, handle: (_, response) => reply(response, 200, "ok\n") },
    "/readyz": {
      method: "GET",
      anyHost: true,
      handle(_, response) {
        const lacks = host.lacks();
        if (lacks.length === 0) reply(response, 200, "ok\n");
        else reply(response, 503, lacks.map((line) => `${line}\n`).join(""));
      },
    },
  };
}
