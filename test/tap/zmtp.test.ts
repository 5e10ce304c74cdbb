import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { Dealer, Reply, Request } from "zeromq";
import { createDialogue, type Unread } from "../../src/tap/zmtp.ts";
import { ANY_PORT } from "../hosts.ts";

interface Piece {
  readonly from: "client" | "server";
  readonly bytes: Buffer;
}

interface Heard {
  readonly requests: string[][];
  readonly replies: string[][];
  /** What was not kept of messages that are too large. */
  readonly notKept: (number | undefined)[];
  readonly unread: Unread[];
}

function hear(pieces: Iterable<Piece>, maxMessageBytes = 1_000_000): Heard {
  const heard: Heard = { requests: [], replies: [], notKept: [], unread: [] };
  const { notKept } = heard;
  const dialogue = createDialogue({
    maxMessageBytes,
    onRequest: (frames, _at, rest) => notKept.push(rest) && heard.requests.push(frames.map(String)),
    onReply: (frames, _at, rest) => notKept.push(rest) && heard.replies.push(frames.map(String)),
    onUnread: (why) => heard.unread.push(why),
  });
  for (const { from, bytes } of pieces) {
    if (from === "client") dialogue.fromClient(bytes, 0);
    else dialogue.fromServer(bytes, 0);
  }
  return heard;
}

function* inPiecesOf(size: number, pieces: Iterable<Piece>): Generator<Piece> {
  for (const { from, bytes } of pieces) {
    for (let at = 0; at < bytes.length; at += size) yield { from, bytes: bytes.subarray(at, at + size) };
  }
}

const client = (...parts: (Buffer | number[])[]): Piece => ({
  from: "client",
  bytes: Buffer.concat(parts.map((part) => Buffer.from(part))),
});
const server = (...parts: (Buffer | number[])[]): Piece => ({ ...client(...parts), from: "server" });

const SIGNATURE = [0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f];

function greeting(mechanism = "NULL", minor = 0): Buffer {
  const bytes = Buffer.alloc(64);
  Buffer.from([...SIGNATURE, 3, minor]).copy(bytes);
  bytes.write(mechanism, 12);
  return bytes;
}

function frame(flags: number, text: string | Buffer): Buffer {
  const body = Buffer.from(text);
  if ((flags & 2) === 0) return Buffer.concat([Buffer.from([flags, body.length]), body]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64BE(BigInt(body.length));
  return Buffer.concat([Buffer.from([flags]), length, body]);
}

const MORE = 1;
const LONG = 2;
const COMMAND = 4;
const GREETED = [client(greeting()), server(greeting())];
const READY = frame(COMMAND, "\u0005READY");

/** What libzmq's own sockets say, in the order in which it passed. */
async function recorded(
  talk: (address: string, target: Reply, passed: readonly Piece[]) => Promise<void>,
): Promise<Piece[]> {
  const pieces: Piece[] = [];
  const target = new Reply({ linger: 0 });
  onTestFinished(() => target.close());
  await target.bind(ANY_PORT);
  const port = Number(new URL(target.lastEndpoint ?? "").port);
  const between = createServer((one: Socket) => {
    const other = connect({ port, host: "127.0.0.1" });
    one.on("data", (bytes: Buffer) => pieces.push({ from: "client", bytes }) && other.write(bytes));
    other.on("data", (bytes: Buffer) => pieces.push({ from: "server", bytes }) && one.write(bytes));
    one.on("close", () => other.destroy()).on("error", () => {});
    other.on("close", () => one.destroy()).on("error", () => {});
  }).listen(0, "127.0.0.1");
  onTestFinished(() => void between.close());
  await once(between, "listening");
  const address = between.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  await talk(`tcp://127.0.0.1:${address.port}`, target, pieces);
  return pieces;
}

test("what libzmq says is read the same, wherever it is cut", async () => {
  const long = "x".repeat(700);
  const pieces = await recorded(async (address, target) => {
    const socket = new Request({ linger: 0 });
    onTestFinished(() => socket.close());
    socket.connect(address);
    for (const text of ["one", "two", long]) {
      await socket.send([text, "", text]);
      await target.send(await target.receive());
      await socket.receive();
    }
  });
  const messages = ["one", "two", long].map((text) => ["", text, "", text]);
  const heard = hear(pieces);
  expect(heard).toEqual({ requests: messages, replies: messages, notKept: Array(6).fill(undefined), unread: [] });
  const length = Math.max(...pieces.map(({ bytes }) => bytes.length));
  for (let size = 1; size < length; size++) expect(hear(inPiecesOf(size, pieces))).toEqual(heard);
});

test("heartbeats and other commands are passed over, before, after and between messages", async () => {
  const pieces = await recorded(async (address, target, passed) => {
    const socket = new Dealer({ linger: 0, heartbeatInterval: 5, heartbeatTimeout: 5000 });
    onTestFinished(() => socket.close());
    socket.connect(address);
    while (!passed.some(({ bytes }) => bytes.includes("PING"))) {
      await socket.send(["", "x"]);
      await target.send(await target.receive());
      await socket.receive();
    }
  });
  const heard = hear(pieces);
  expect(new Set(heard.requests.map(String))).toEqual(new Set([",x"]));
  expect(heard).toMatchObject({ replies: heard.requests, unread: [] });
  const ping = frame(COMMAND, "\u0004PING\0\0");
  const woven = client(READY, ping, frame(MORE, ""), ping, frame(0, "a"), frame(COMMAND | LONG, Buffer.alloc(300)));
  expect(hear([...GREETED, woven, client(frame(0, "b"))]).requests).toEqual([["", "a"], ["b"]]);
});

test("many messages in one chunk, long frames and empty ones", () => {
  const long = "y".repeat(300);
  const all = client(READY, frame(MORE, ""), frame(LONG, long), frame(0, ""), frame(MORE | LONG, ""), frame(0, "z"));
  const heard = { requests: [["", long], [""], ["", "z"]], replies: [], unread: [] };
  const whole = [...GREETED, all];
  for (const size of [1, 2, 3, 7, 64, 1000]) expect(hear(inPiecesOf(size, whole))).toMatchObject(heard);
});

test("of a message that is too large the envelope is kept, and those after it are read", () => {
  const large = client(frame(MORE, "id"), frame(MORE, ""), frame(MORE | LONG, Buffer.alloc(5000)), frame(0, "tail"));
  const bare = client(frame(LONG, Buffer.alloc(2000)));
  const pieces = [...GREETED, large, bare, client(frame(0, "small"))];
  for (const size of [1, 100, 10_000]) {
    const { requests, notKept } = hear(inPiecesOf(size, pieces), 1000);
    expect({ requests, notKept }).toEqual({
      requests: [["id", ""], [], ["small"]],
      notKept: [5004, 2000, undefined],
    });
  }
});

test("frames without end are too large as well", () => {
  const many = client(...Array.from({ length: 5000 }, () => frame(MORE, "")), frame(0, "end"));
  const { requests, notKept } = hear([...GREETED, many]);
  expect({ requests, notKept }).toEqual({ requests: [[""]], notKept: [3] });
});

test.each([
  ["both", 1],
  ["the server alone", 3],
])("ZMTP 2.0 of %s is read, with the identities left out", (_, revision) => {
  // Signature, revision, socket type; libzmq tells its own revision before it knows the other's.
  const pieces = [
    client([...SIGNATURE, revision]),
    server([...SIGNATURE, 1, 4], frame(0, "")),
    client([3], frame(0, "its id"), frame(MORE, ""), frame(0, "ask")),
    server(frame(MORE, ""), frame(0, "answer")),
  ];
  for (const size of [1, 5, 100]) {
    const { requests, replies, unread } = hear(inPiecesOf(size, pieces));
    expect({ requests, replies, unread }).toEqual({ requests: [["", "ask"]], replies: [["", "answer"]], unread: [] });
  }
});

test("after PLAIN's handshake messages are read", () => {
  const greeted = [client(greeting("PLAIN", 1)), server(greeting("PLAIN", 1))];
  const hello = client(frame(COMMAND, "\u0005HELLO\u0003ada\u0006secret"));
  const heard = hear([...greeted, hello, server(frame(COMMAND, "\u0007WELCOME")), client(frame(0, "a"))]);
  expect(heard.requests).toEqual([["a"]]);
});

test.each<[string, Piece[], Unread]>([
  ["HTTP", [client(Buffer.from("GET / HTTP/1.1\r\n\r\n"))], { kind: "no-zeromq" }],
  ["ZMTP 1.0", [client([1, 0, 2, 0, 65])], { kind: "no-zeromq" }],
  ["a long ZMTP 1.0", [client([0xff, 0, 0, 0, 0, 0, 0, 1, 0, 0, 65])], { kind: "no-zeromq" }],
  ["CURVE", [client(greeting("CURVE")), server(greeting("CURVE"))], { kind: "hidden", mechanism: "CURVE" }],
  [
    "reserved flags",
    [...GREETED, client(frame(0x40, "a"))],
    { kind: "irregular", why: expect.stringContaining("flags") },
  ],
  [
    "a length of 2^63",
    [...GREETED, client([LONG, 0x80, 0, 0, 0, 0, 0, 0, 0])],
    { kind: "irregular", why: expect.stringContaining("length") },
  ],
])("%s ends the reading once, and nothing is thrown", (_, pieces, why) => {
  const after = [client(frame(0, "a")), server(frame(0, "b")), client(Buffer.alloc(300, 0xa5))];
  expect(hear([...pieces, ...after])).toEqual({ requests: [], replies: [], notKept: [], unread: [why] });
});

test("random bytes never throw", () => {
  let seed = 7;
  const random = () => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed / 2 ** 31;
  };
  for (let round = 0; round < 2000; round++) {
    const bytes = Buffer.from(Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256)));
    const start = round % 2 === 0 ? GREETED : [];
    hear(inPiecesOf(1 + Math.floor(random() * 50), [...start, { from: "client", bytes }, { from: "server", bytes }]));
  }
});
