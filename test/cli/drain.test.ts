/** What SIGTERM costs those who are being served: nothing. */
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Dealer, Request } from "zeromq";
import { folderWith } from "../config/folder.ts";
import { ANY_PORT } from "../hosts.ts";
import { serve } from "../processes.ts";

test("500 replies of 50 kB that are under way at SIGTERM all arrive", async () => {
  const cwd = folderWith({
    "zmqecho.config.json": JSON.stringify({
      endpoints: { e: { bind: ANY_PORT, handler: "bulk", concurrency: 500, queue: 0 } },
    }),
    "plugins/bulk.mjs": `let running = 0;
      export default (input) => new Promise((resolve) => {
        if (++running === 500) console.log("all here");
        setTimeout(() => resolve(Buffer.alloc(50_000, input)), 400);
      });`,
  });
  const served = await serve([], { cwd });
  const sockets = Array.from({ length: 10 }, () => {
    const socket = new Dealer({ linger: 0, receiveTimeout: 10_000 });
    onTestFinished(() => socket.close());
    socket.connect(served.addresses[0] ?? "");
    return socket;
  });
  await Promise.all(
    sockets.map(async (socket, index) => {
      for (let sent = 0; sent < 50; sent++) await socket.send(["", Buffer.from([index])]);
    }),
  );
  await served.printed("all here");
  const ended = served.stop();
  const replies = await Promise.all(
    sockets.map(async (socket, index) => {
      let good = 0;
      for (let received = 0; received < 50; received++) {
        const body = (await socket.receive()).at(-1);
        if (body?.length === 50_000 && body.every((byte) => byte === index)) good++;
      }
      return good;
    }),
  );
  expect(replies).toEqual(Array(10).fill(50));
  expect(await ended).toMatchObject({ code: 0 });
});

test("300 clients that connect at the moment of the signal are served, or told `unavailable`", async () => {
  const served = await serve([ANY_PORT, "--concurrency", "16"]);
  const sockets = Array.from({ length: 300 }, () => {
    const socket = new Request({ linger: 0, receiveTimeout: 10_000 });
    onTestFinished(() => socket.close());
    socket.connect(served.addresses[0] ?? "");
    return socket;
  });
  await Promise.all(sockets.map((socket) => socket.send("x")));
  const ended = served.stop();
  const answers = await Promise.all(sockets.map(async (socket) => String((await socket.receive())[0])));
  expect(answers.filter((answer) => answer !== "x" && !answer.startsWith("ZEP1 unavailable\n"))).toEqual([]);
  expect(await ended).toMatchObject({ code: 0 });
});

test("requests that wait in a lock-step socket while the last call runs are told `unavailable`", async () => {
  const cwd = folderWith({
    "zmqecho.config.json": JSON.stringify({ endpoints: { e: { bind: ANY_PORT, handler: "slow", codec: "json" } } }),
    "plugins/slow.mjs": `export default () => new Promise((resolve) => {
        console.log("begun");
        setTimeout(resolve, 900, "slow");
      });`,
  });
  const served = await serve([], { cwd });
  const sockets = Array.from({ length: 5 }, () => {
    const socket = new Request({ linger: 0, receiveTimeout: 10_000 });
    onTestFinished(() => socket.close());
    socket.connect(served.addresses[0] ?? "");
    return socket;
  });
  await Promise.all(sockets.map((socket) => socket.send("null")));
  await served.printed("begun");
  const ended = served.stop();
  const answers = await Promise.all(sockets.map(async (socket) => String((await socket.receive())[0]).split("\n")[0]));
  expect(answers.sort()).toEqual(['"slow"', ...Array(4).fill("ZEP1 unavailable")]);
  expect(await ended).toMatchObject({ code: 0 });
});

test("an idle host that has workers, a watcher and an ipc socket leaves nothing behind", async () => {
  const cwd = folderWith({
    "zmqecho.config.json": JSON.stringify({
      handlers: { it: { isolation: "process" } },
      endpoints: { e: { bind: "ipc://./e.sock", handler: "it", codec: "json", concurrency: 2 } },
    }),
    "plugins/it.mjs": "export default () => process.pid;",
  });
  const served = await serve([], { cwd });
  const socket = new Request({ linger: 0, receiveTimeout: 10_000 });
  onTestFinished(() => socket.close());
  socket.connect(`ipc://${join(cwd, "e.sock")}`);
  await socket.send("null");
  const worker = Number((await socket.receive())[0]);
  expect(worker).not.toBe(served.pid);
  expect(await served.stop()).toMatchObject({ code: 0 });
  expect(() => process.kill(worker, 0)).toThrow("ESRCH");
});
