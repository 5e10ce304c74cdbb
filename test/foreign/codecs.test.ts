/** Each codec against Python's implementation of it: what one writes the other reads, and the other way round. */

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { createClient, createCodec, type Value } from "zmqecho";
import { serve } from "./hosts.ts";
import { here, PYTHON, python, root, run, startPython } from "./programs.ts";
import { type ValueCodec, valuesOf } from "./values.ts";

function clientFor(connect: string, codec: Parameters<typeof createCodec>[0]) {
  const client = createClient({ connect, codec });
  onTestFinished(() => client.close());
  return client;
}

const send = (...args: string[]) => run(process.execPath, [`${root}dist/bin.js`, "send", ...args]);

describe.each<ValueCodec>(["json", "cbor", "msgpack", "protobuf"])("%s", (codec) => {
  const rows = valuesOf(codec);

  test.each([1, 16])(
    "a handler gets what Python wrote, and Python what the handler returned (concurrency %i)",
    async (concurrency) => {
      const seen: unknown[] = [];
      const note = (input: unknown) => {
        seen.push(input);
        return input;
      };
      const address = await serve({ handler: "note", codec, concurrency }, { note });
      expect(await python("values_client.py", codec, address)).toBe(`${rows.length}\n`);
      expect(seen).toHaveLength(rows.length);
      for (const [index, { name, value }] of rows.entries()) expect(seen[index], name).toStrictEqual(value);
    },
  );

  test("Python's server gets what our client wrote, and our client what it replied", async () => {
    const [address = ""] = await startPython("values_server.py", [codec]);
    const client = clientFor(address, codec);
    for (const { name, value } of rows) expect(await client.request(value), name).toStrictEqual(value);
  });

  test("send prints what Python's server replied", async () => {
    const [address = ""] = await startPython("echo_server.py", [codec]);
    const value = {
      text: "Grüße",
      numbers: [1, 2.5, -3, 9007199254740991],
      none: null,
      yes: true,
      deep: [[{ a: [] }]],
    };
    const printed = await send(address, JSON.stringify(value), "--codec", codec, "-o", "value");
    expect(JSON.parse(printed)).toEqual(value);
  });
});

test("raw: our client and send get back the frames that Python's server got", async () => {
  const [address = ""] = await startPython("echo_server.py", ["raw"]);
  const client = clientFor(address, "raw");
  const frames = [new Uint8Array([0, 255, 10]), new Uint8Array(), new Uint8Array(1000)];
  const hex = (value: Value) => [value].flat().map((frame) => Buffer.from(frame as Uint8Array).toString("hex"));
  expect(hex(await client.request(frames))).toEqual(hex(frames));
  expect(hex(await client.request("text"))).toEqual(["74657874"]);
  expect(await send(address, "Grüße", "-o", "raw")).toBe("Grüße");
});

describe("protobuf, by a schema and by what protoc makes of it", () => {
  let modules: string;

  beforeAll(async () => {
    modules = mkdtempSync(join(tmpdir(), "zmqecho-protoc-"));
    const folder = `${root}test/data`;
    await run("protoc", [`--proto_path=${folder}`, `--python_out=${modules}`, "kinds.proto", "well-known.proto"]);
  });
  afterAll(() => rmSync(modules, { recursive: true, force: true }));

  const schemas = [
    { name: "every kind of field", file: "kinds", module: "kinds_pb2", type: "Kinds" },
    { name: "Google's own types", file: "well-known", module: "well_known_pb2", type: "WellKnown" },
  ];

  describe.each(schemas)("$name", ({ file, module, type }) => {
    const json = `${here}${file}.json`;
    const proto = `${root}test/data/${file}.proto`;
    const spec = { type: "protobuf", proto, request: `test.${type}` } as const;
    // Its value comes by another way than bytes: from ProtoJSON.
    const expected = createCodec(spec).fromJson(JSON.parse(readFileSync(json, "utf8"))) as Value;

    test("a handler gets what Python wrote, and Python what the handler returned", async () => {
      const seen: unknown[] = [];
      const note = (input: unknown) => {
        seen.push(input);
        return input;
      };
      const address = await serve({ handler: "note", codec: "message" }, { note }, { message: spec });
      await run(PYTHON, [`${here}message_client.py`, module, type, json, address], { modules });
      expect(seen).toEqual([expected]);
    });

    test("Python's server gets what our client wrote, and our client what it replied", async () => {
      const [address = ""] = await startPython("message_server.py", [module, type, json], { modules });
      expect(await clientFor(address, spec).request(expected)).toEqual(expected);
    });

    test("send writes ProtoJSON as Python does", async () => {
      const [address = ""] = await startPython("message_server.py", [module, type, json], { modules });
      const flags = ["--codec", "protobuf", "--proto", proto, "--type", `test.${type}`, "-o", "value"];
      const replied = JSON.parse(await send(address, `@${json}`, ...flags));
      // The server replies with nothing in the message if what it got differs from what Python makes of the same text.
      expect(Object.keys(replied).sort()).toEqual(Object.keys(expected as object).sort());
    });
  });
});
