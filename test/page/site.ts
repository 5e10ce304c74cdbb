/** Handlers that are called from the page in tests, and the way around in it. */
import type { Page } from "playwright-core";
import { z } from "zod";
import { createClient } from "../../src/client/create-client.ts";
import { ZmqEchoError } from "../../src/errors.ts";
import { addressOf } from "../hosts.ts";
import type { HostWithPage } from "../http/pages.ts";

export const HOSTILE = `<script>alert("x")</script><img src=x onerror=alert(1)>`;

export const linkOf = ({ url, token }: HostWithPage): string => `${url}/#token=${token}`;

export async function show(page: Page, view: string): Promise<void> {
  await page.getByRole("link", { name: view }).click();
}

/** Calls by name, all at once, and waits for what comes of them. */
export async function send({ host }: HostWithPage, handlers: readonly string[], input: unknown = 1): Promise<void> {
  const client = createClient({ connect: addressOf(host, "all"), codec: "json" });
  await Promise.all(handlers.map((handler) => client.call(handler, input).catch(() => undefined)));
  await client.close();
}

export const fail = () => {
  throw new ZmqEchoError("aborted", HOSTILE, { details: { hint: HOSTILE } });
};

export const twice = {
  description: `Doubles ${HOSTILE}`,
  input: z.object({ n: z.number().min(3), of: z.enum(["a", "b"]) }),
  handle: (asked: unknown) => 2 * (asked as { n: number }).n,
};
