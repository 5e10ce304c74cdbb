import { once } from "node:events";
import { mkdirSync, readdirSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { connectTo, listenAt } from "../../src/tap/listen.ts";
import { parseAddress } from "../../src/wire/address.ts";
import { folderWith } from "../config/folder.ts";

const STREAMS = { allowHalfOpen: true, highWaterMark: 65_536 };

function server(): Server {
  const made = createServer((socket) => socket.end());
  onTestFinished(() => void made.close());
  return made;
}

async function isReached(text: string): Promise<void> {
  const socket = connectTo(parseAddress(text, "connect"), STREAMS);
  await once(socket, "connect");
  socket.destroy();
}

test("the name of a network interface is its address", async () => {
  const { text } = await listenAt(server(), parseAddress("tcp://lo:*", "bind"));
  expect(text).toMatch(/^tcp:\/\/127\.0\.0\.1:\d+$/);
  await isReached(text);
});

test("* is every address of the machine", async () => {
  const { text } = await listenAt(server(), parseAddress("tcp://*:*", "bind"));
  expect(text).toMatch(/^tcp:\/\/0\.0\.0\.0:\d+$/);
  await isReached(text.replace("0.0.0.0", "localhost"));
});

test.each([
  ["tcp://no-such-interface:*", "neither an address nor a network interface"],
  ["tcp://192.0.2.1:*", "is no address of this machine"],
  ["ipc:///no/such/folder/socket", "its folder does not exist"],
])("%s is refused with the reason", async (text, why) => {
  await expect(listenAt(server(), parseAddress(text, "bind"))).rejects.toThrow(why);
});

test("a path may be as long as a socket's can be", async () => {
  const folder = folderWith({});
  const deep = join(folder, "d".repeat(100 - folder.length - 3));
  mkdirSync(deep);
  const text = `ipc://${join(deep, "socket")}`;
  const listener = server();
  const { removeFile } = await listenAt(listener, parseAddress(text, "bind"));
  await isReached(text);
  expect(readdirSync(deep)).toEqual(["socket"]);
  removeFile();
  listener.close();
  await once(listener, "close");
  expect(readdirSync(deep)).toEqual([]);
});
