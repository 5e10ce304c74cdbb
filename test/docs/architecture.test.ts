import { readdir, readFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const checkout = fileURLToPath(new URL("../..", import.meta.url));
const src = join(checkout, "src");

/** ARCHITECTURE.md's line of floors, each of which may import those behind it and what is on it. */
const FLOORS = [
  ["bin"],
  ["cli"],
  ["index", "testing"],
  ["host"],
  ["service"],
  ["look", "observers"],
  ["endpoints", "keys", "reload-log", "readiness"],
  ["http", "capture", "introspection"],
  ["stats"],
  ["endpoint", "recycling"],
  ["bench", "client", "assemble", "tap"],
  ["transports"],
  ["core"],
  [
    "mock",
    "tracing",
    "recording",
    "loader",
    "runtime",
    "codecs",
    "curve",
    "wire",
    "config",
    "log",
    "news",
    "wording",
    "deadlines",
    "linked-list",
    "tally",
    "durations",
    "one-more",
    "files",
    "counts",
    "show",
  ],
  ["handler", "errors", "printable"],
];

interface Source {
  readonly file: string;
  readonly room: string;
  /** Rooms and packages. */
  readonly imports: readonly string[];
}

const roomOf = (path: string) => path.split("/")[0]?.replace(/\.ts$/, "") ?? "";

async function sources(): Promise<Source[]> {
  const files = (await readdir(src, { recursive: true })).filter((file) => file.endsWith(".ts"));
  return Promise.all(
    files.map(async (file) => {
      const text = await readFile(join(src, file), "utf8");
      const named = [...text.matchAll(/(?:^import .*?|^\} |^export .*? )from "([^"]+)"|import\("([^"]+)"\)/gm)];
      const imports = named.map(([, from, dynamic]) => from ?? dynamic ?? "");
      const rooms = imports.map((path) =>
        path.startsWith(".") ? roomOf(relative(src, join(src, dirname(file), path))) : path,
      );
      return { file, room: roomOf(file), imports: rooms };
    }),
  );
}

test("imports run one way", async () => {
  const floorOf = (room: string) => FLOORS.findIndex((rooms) => rooms.includes(room));
  const upwards: string[] = [];
  for (const { file, room, imports } of await sources()) {
    expect(floorOf(room), `${room} has a floor`).toBeGreaterThanOrEqual(0);
    for (const other of imports)
      if (floorOf(other) >= 0 && floorOf(other) < floorOf(room)) upwards.push(`${file} -> ${other}`);
  }
  expect(upwards).toEqual([]);
});

test("host and client do not import each other", async () => {
  const rooms = (await sources()).filter(({ room }) => room === "host" || room === "client" || room === "transports");
  const crossing = rooms.filter(({ room, imports }) => imports.includes(room === "client" ? "host" : "client"));
  expect(crossing.map(({ file }) => file)).toEqual([]);
});

test("only the transport and the client load zeromq", async () => {
  const users = (await sources()).filter(({ imports }) => imports.includes("zeromq")).map(({ file }) => file);
  const elsewhere = users.filter((file) => !/^(client|transports\/zmq)\//.test(file));
  expect(elsewhere).toEqual([]);
});

test("the list of rooms is that of src", async () => {
  const text = await readFile(join(checkout, "ARCHITECTURE.md"), "utf8");
  const listed = [...text.matchAll(/^ {2}([\w./-]+) {2,}\S/gm)].map(([, name = ""]) => name.split("/")[0]);
  const entries = await readdir(src);
  expect([...new Set(listed)].filter((name) => name !== "").sort()).toEqual(expect.arrayContaining(entries.sort()));
});
