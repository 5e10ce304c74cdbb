/** A host with a page, and what its page would ask of it. */
import { onTestFinished } from "vitest";
import type { ConfigInput } from "../../src/config/schema.ts";
import type { HandlerDefinition, HandlerFunction } from "../../src/handler.ts";
import type { Host } from "../../src/host.ts";
import {
  CALL_HEADER,
  PAGE_PATHS,
  type PageCall,
  type PageHello,
  type PageReply,
  type PageTick,
} from "../../src/wire/page.ts";
import { ANY_PORT, type RecordingLog, recordingLog, startHost } from "../hosts.ts";

export interface HostWithPage {
  readonly host: Host;
  readonly url: string;
  /** That of the link in its log. */
  readonly token: string;
  readonly log: RecordingLog;
}

export async function hostWithPage(
  config: Omit<ConfigInput, "http"> & { http?: object } = {},
  handlers: Record<string, HandlerDefinition | HandlerFunction> = {},
): Promise<HostWithPage> {
  const log = recordingLog();
  const endpoints = { all: { bind: ANY_PORT, handlers: ["*"], concurrency: 8 } };
  const http = { bind: "127.0.0.1:*", ...config.http };
  const host = await startHost({ endpoints, ...config, http }, handlers, { log });
  const { message } = await log.logged("#token=");
  const [, url = "", token = ""] = /(http:\S+)\/#token=(\S+)/.exec(message) ?? [];
  return { host, url, token, log };
}

/** What a page sends with a call; each may be other, or absent. */
export function callHeaders(token: string): Record<string, string> {
  return { "Content-Type": "application/json", Authorization: `Bearer ${token}`, [CALL_HEADER]: "1" };
}

export async function post(
  url: string,
  body: string,
  headers: Record<string, string>,
): Promise<{ readonly status: number; readonly json: PageReply & { readonly error?: string } }> {
  const response = await fetch(`${url}${PAGE_PATHS.call}`, { method: "POST", headers, body });
  return { status: response.status, json: (await response.json()) as PageReply };
}

/** A call as the form makes it. Throws if it is not made. */
export async function call({ url, token }: HostWithPage, asked: Partial<PageCall>): Promise<PageReply> {
  const all = { endpoint: "all", handler: "echo", codec: "json", body: '"x"', ...asked };
  const { status, json } = await post(url, JSON.stringify(all), callHeaders(token));
  if (status !== 200) throw new Error(`${status}: ${json.error}`);
  return json;
}

export interface Stream {
  readonly status: number;
  /** The next event of that name. */
  next(name: "hello"): Promise<PageHello>;
  next(name: "tick"): Promise<PageTick>;
  close(): void;
}

/** What a page hears. */
export async function listen({ url }: Pick<HostWithPage, "url">): Promise<Stream> {
  const leave = new AbortController();
  onTestFinished(() => leave.abort());
  const { status, body } = await fetch(`${url}${PAGE_PATHS.events}`, { signal: leave.signal });
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  return {
    status,
    async next(name: string) {
      for (;;) {
        const end = text.indexOf("\n\n");
        if (end < 0) {
          const { value, done } = (await reader?.read()) ?? { done: true };
          if (done) throw new Error("the stream has ended");
          text += value;
          continue;
        }
        const event = text.slice(0, end);
        text = text.slice(end + 2);
        const data = /^data: (.*)$/m.exec(event)?.[1];
        if (data !== undefined && event.startsWith(`event: ${name}\n`)) return JSON.parse(data);
      }
    },
    close: () => leave.abort(),
  };
}
