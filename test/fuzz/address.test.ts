import { isIPv4 } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Router } from "zeromq";
import { ZmqEchoError } from "../../src/errors.ts";
import { type Address, isLoopback, parseAddress, reachable } from "../../src/wire/address.ts";
import { corpusOf } from "./corpus.ts";
import { fuzz, fuzzAsync, TIMEOUT_MS } from "./fuzz.ts";
import { mutatedFrom } from "./mutations.ts";

const use = fc.constantFrom("bind" as const, "connect" as const);
const port = fc.integer({ min: 1, max: 65_535 });
const portOrMore = fc.integer({ min: 1, max: 99_999 });
const label = fc.stringMatching(/^[A-Za-z]([A-Za-z0-9-]{0,8}[A-Za-z0-9])?$/);
const host = fc.oneof(
  fc.ipV4(),
  fc.ipV6().map((inner) => `[${inner}]`),
  fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join(".")),
);
const path = fc
  .string({ unit: "grapheme", minLength: 1, maxLength: 40 })
  .filter((text) => !["*", "@"].includes(text) && !text.includes("\0") && Buffer.byteLength(text) <= 107);

const tcp = fc.tuple(host, portOrMore).map(([name, number]) => `tcp://${name}:${number}`);
const ipc = path.map((name) => `ipc://${name}`);
const odd = fc.constantFrom(
  "tcp://*:*",
  "tcp://*:0",
  "tcp://0.0.0.0:1",
  "tcp://[::]:1",
  "ipc://@abstract",
  "inproc://a",
);
const almost = mutatedFrom(fc.oneof(tcp, ipc, odd).map((text) => Buffer.from(text))).map((bytes) => bytes.toString());
const any = fc.oneof(tcp, ipc, odd, almost, fc.string({ unit: "binary" }));

function readOrRefused(text: string, purpose: "bind" | "connect"): Address | undefined {
  try {
    return parseAddress(text, purpose);
  } catch (error) {
    if (!ZmqEchoError.is(error)) throw error;
    expect(error.code).toBe("invalid_argument");
    expect(error.message).not.toMatch(/\p{Cc}/u);
    expect(error.message.length).toBeLessThan(text.length * 18 + 300);
    return undefined;
  }
}

const written = (address: Address): string => {
  if (address.transport === "ipc") return `ipc://${address.path}`;
  const name = address.host.includes(":") ? `[${address.host}]` : address.host;
  return `tcp://${name}:${address.port}`;
};

test(
  "host and port are read as they are written",
  () => {
    const property = fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), port, (name, number) => {
      if (name === "0.0.0.0") return;
      const text = `tcp://${name.includes(":") ? `[${name}]` : name}:${number}`;
      for (const purpose of ["bind", "connect"] as const) {
        expect(parseAddress(text, purpose)).toEqual({ transport: "tcp", text, host: name, port: number });
      }
    });
    fuzz(property, 300);
  },
  TIMEOUT_MS,
);

test(
  "a path is read as it is written",
  () => {
    fuzz(
      fc.property(path, use, (name, purpose) => {
        expect(parseAddress(`ipc://${name}`, purpose)).toEqual({ transport: "ipc", text: `ipc://${name}`, path: name });
      }),
      300,
    );
  },
  TIMEOUT_MS,
);

test(
  "any text is an address, which is read the same when it is written anew, or is refused in a line",
  () => {
    let addresses = 0;
    const property = fc.property(any, use, (text, purpose) => {
      const address = readOrRefused(text, purpose);
      if (address === undefined) return;
      addresses++;
      const again = parseAddress(written(address), purpose);
      expect({ ...again, text }).toEqual(address);
      if (address.transport === "tcp") expect(address.port).toBeLessThanOrEqual(65_535);
      // What libzmq gets is what was read: nothing that it would take for something else.
      if (address.transport === "tcp")
        expect(text.slice(6)).toMatch(/^(\[[0-9A-Fa-f:.]+(%[\w.:-]+)?\]|[\w.*-]+):([1-9]\d{0,4}|[*0])$/);
      if (purpose === "connect") return;
      expect(readOrRefused(reachable(text).replace(/:[*0]$/, ":1"), "connect"), reachable(text)).toBeDefined();
      if (isLoopback(address) && address.transport === "tcp") expect(address.host).toMatch(/^(127\.|::1$)/);
    });
    fuzz(property, 2_000);
    expect(addresses).toBeGreaterThan(200);
  },
  TIMEOUT_MS,
);

test(
  "libzmq binds what was read, and nothing else",
  async () => {
    // Of this machine alone, where an address may be bound and let go.
    const here = fc.tuple(
      fc.constantFrom("127.0.0.1", "127.1.2.3", "127.255.0.7"),
      fc.integer({ min: 20_000, max: 30_000 }),
    );
    const texts = mutatedFrom(
      here.map(([name, number]) => Buffer.from(`tcp://${name}:${number}`)),
      1,
    );
    let bound = 0;
    const property = fc.asyncProperty(texts, async (bytes) => {
      const text = bytes.toString();
      const address = readOrRefused(text, "bind");
      if (address?.transport !== "tcp" || !isIPv4(address.host) || !isLoopback(address)) return;
      const socket = new Router({ linger: 0 });
      try {
        await socket.bind(text);
        bound++;
        expect(socket.lastEndpoint).toBe(address.port === 0 ? expect.stringContaining(address.host) : written(address));
      } catch (error) {
        // Taken, or not for us: another's port is no finding.
        if (!["EADDRINUSE", "EACCES"].includes((error as NodeJS.ErrnoException).code ?? "")) throw error;
      } finally {
        socket.close();
      }
    });
    await fuzzAsync(property, 120);
    expect(bound).toBeGreaterThan(5);
  },
  TIMEOUT_MS,
);

test.each(corpusOf("address"))("what was kept is an address or is refused: $why", ({ bytes }) => {
  for (const purpose of ["bind", "connect"] as const) readOrRefused(bytes.toString(), purpose);
});
