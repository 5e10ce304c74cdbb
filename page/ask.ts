/** What the page asks of its host beside the stream. */
import type { HandlerDescription } from "../src/wire/introspection.ts";
import { CALL_HEADER, PAGE_PATHS, type PageCall, type PageRefusal, type PageReply } from "../src/wire/page.ts";

/** Rejects with what the host says against it. */
export async function askHandler(name: string): Promise<HandlerDescription> {
  const response = await fetch(`${PAGE_PATHS.handler}?name=${encodeURIComponent(name)}`);
  if (!response.ok) throw await refusalFrom(response);
  return response.json();
}

/** What the host answers to a call, or why it did not make it. */
export class NotCalled extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** Rejects with {@link NotCalled} if the call was not made. */
export async function makeCall(call: PageCall, token: string): Promise<PageReply> {
  const response = await fetch(PAGE_PATHS.call, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}`, [CALL_HEADER]: "1" },
    body: JSON.stringify(call),
  }).catch(() => {
    throw new NotCalled(0, "the host does not answer");
  });
  if (!response.ok) throw await refusalFrom(response);
  return response.json();
}

async function refusalFrom(response: Response): Promise<NotCalled> {
  const text = await response.text();
  try {
    return new NotCalled(response.status, (JSON.parse(text) as PageRefusal).error);
  } catch {
    return new NotCalled(response.status, text.trim() || response.statusText);
  }
}
