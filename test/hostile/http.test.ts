/** Strangers at the HTTP listener, while real clients ask over ZeroMQ and a probe asks whether the host lives. */
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { expect, test } from "vitest";
import { type Besieged, besiege } from "./besieged.ts";

const seconds = Number(process.env.HOSTILE_SECONDS ?? 5);
const TIMEOUT = { timeout: seconds * 2000 + 60_000 };
const PROBE_MS = 50;
/** What Kubernetes gives a probe by default, and how many may miss in a row. */
const PROBE_TIMEOUT_MS = 1000;
const MISSED_AT_WHICH_IT_ENDS = 3;

interface Peer {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
}

async function come(url: string, bytes: string | Uint8Array = ""): Promise<Peer> {
  const { port, hostname } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => {});
  const closed = new Promise((resolve) => socket.once("close", resolve));
  await Promise.race([once(socket, "connect").catch(() => {}), closed]);
  socket.resume();
  socket.write(bytes);
  return { socket, closed };
}

/** Asks again and again, each time over a connection of its own. */
function probe(url: string) {
  const leaving = new AbortController();
  let asked = 0;
  let inARow = 0;
  let mostInARow = 0;
  const refused: string[] = [];
  const done = (async () => {
    for (; !leaving.signal.aborted; await delay(PROBE_MS)) {
      asked++;
      await fetch(`${url}/livez`, { headers: { connection: "close" }, signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })
        .then(async (response) => {
          expect(await response.text()).toBe("ok\n");
          inARow = 0;
        })
        .catch((error: Error) => {
          mostInARow = Math.max(mostInARow, ++inARow);
          // This process attacks as well, and may be late itself.
          if (error.name !== "TimeoutError") refused.push(`${error.message}: ${String(error.cause)}`);
        });
    }
  })();
  return {
    async leave() {
      leaving.abort();
      await done;
      return { asked, refused, mostInARow };
    },
  };
}

/** Attacks while it is probed. No probe may be hung up on, and so many in a row may not be late that Kubernetes would end the host. */
async function attackHttp(attack: (url: string) => Promise<string>): Promise<void> {
  await besiege(
    async ({ host }: Besieged) => {
      const [, url = ""] = /(http:\/\/127\.0\.0\.1:\d+)/.exec(host.log()) ?? [];
      const probing = probe(url);
      const done = await attack(url).finally(async () => {
        const { asked, refused, mostInARow } = await probing.leave();
        expect(refused, `probes that were hung up on, of ${asked}`).toEqual([]);
        expect(mostInARow, "probes in a row that took too long").toBeLessThan(MISSED_AT_WHICH_IT_ENDS);
      });
      return done;
    },
    { http: { bind: "127.0.0.1:*" } },
  );
}

const HEAD = "GET /metrics HTTP/1.1\r\nHost: localhost\r\n";

test("1,000 connections, silent or with half a request", TIMEOUT, async () => {
  await attackHttp(async (url) => {
    const peers: Peer[] = [];
    for (let n = 0; n < 1000; n++) peers.push(await come(url, n % 2 === 0 ? "" : HEAD));
    await Promise.all(peers.map(({ closed }) => closed));
    return "1000 connections, closed by the host";
  });
});

test("headers of which a byte comes now and then", TIMEOUT, async () => {
  await attackHttp(async (url) => {
    const peers = await Promise.all(Array.from({ length: 300 }, () => come(url, HEAD)));
    const dribbling = setInterval(() => {
      for (const { socket } of peers) socket.write("x");
    }, 100);
    await Promise.all(peers.map(({ closed }) => closed));
    clearInterval(dribbling);
    return "300 connections, closed by the host";
  });
});

test("garbage, huge URLs, huge headers and endless bodies", TIMEOUT, async () => {
  const forms = [
    () => randomBytes(4000),
    () => `GET /${"x".repeat(100_000)} HTTP/1.1\r\n\r\n`,
    () => `${HEAD}X: ${"y".repeat(100_000)}\r\n\r\n`,
    () => `${HEAD}${"A: b\r\n".repeat(10_000)}\r\n`,
    () => `${HEAD}Content-Length: 1000000000\r\n\r\n${"z".repeat(100_000)}`,
    () => `${HEAD}Transfer-Encoding: chunked\r\n\r\nfffffff\r\n${"z".repeat(100_000)}`,
    () => "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com\r\n\r\n",
  ];
  await attackHttp(async (url) => {
    const until = performance.now() + seconds * 1000;
    let sent = 0;
    await Promise.all(
      Array.from({ length: 20 }, async () => {
        while (performance.now() < until) {
          const { socket, closed } = await come(url, forms[sent++ % forms.length]?.() ?? "");
          await Promise.race([closed, delay(200)]);
          socket.destroy();
        }
      }),
    );
    return `${sent} connections`;
  });
});

test("scrapers that ask without end and do not read", TIMEOUT, async () => {
  await attackHttp(async (url) => {
    const until = performance.now() + seconds * 1000;
    const peers: Peer[] = [];
    while (performance.now() < until) {
      const peer = await come(url);
      peer.socket.pause();
      peer.socket.write(`${HEAD}\r\n`.repeat(peers.length % 2 === 0 ? 8 : 200));
      peers.push(peer);
      await delay(20);
    }
    for (const { socket } of peers) socket.destroy();
    return `${peers.length} connections, with 8 or 200 requests`;
  });
});
