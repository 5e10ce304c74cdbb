/** Passes a message on to an HTTP service, for processes that speak ZeroMQ and no HTTP. */
import { defineHandler, ZmqEchoError } from "zmqecho";
import { z } from "zod";

/** `handlers.webhook.options` in the configuration. */
const options = z.strictObject({ url: z.url(), headers: z.record(z.string(), z.string()).default({}) });

export default defineHandler({
  description: "Posts the message as JSON to a URL, and replies with the answer",
  input: z.json(),
  setup: (context) => options.parse(context.options),
  async handle(message, { state: { url, headers }, requestId, signal }) {
    let response: Response;
    try {
      response = await fetch(url, {
        method: "POST",
        headers: { "content-type": "application/json", "x-request-id": requestId, ...headers },
        body: JSON.stringify(message),
        // Past the deadline nobody waits for the answer.
        signal,
      });
    } catch (cause) {
      throw new ZmqEchoError("unavailable", "the service behind can't be reached", { cause });
    }
    const text = await response.text();
    if (!response.ok) {
      const { status } = response;
      throw new ZmqEchoError(codeFor(status), `the service behind says ${status}`, { details: { status } });
    }
    const isJson = response.headers.get("content-type")?.startsWith("application/json") ?? false;
    return { status: response.status, body: isJson ? JSON.parse(text) : text };
  },
});

/** What an HTTP status means to a caller who does not know that HTTP is in use. */
function codeFor(status: number) {
  if (status === 400 || status === 422) return "invalid_argument";
  if (status === 401 || status === 403) return "permission_denied";
  if (status === 404) return "not_found";
  if (status === 409) return "aborted";
  if (status === 429) return "resource_exhausted";
  return status >= 500 ? "unavailable" : "unknown";
}
