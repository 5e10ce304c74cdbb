import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ProtobufSpec } from "../../src/codecs/codec.ts";
import { createProtobufCodec } from "../../src/codecs/protobuf/protobuf.ts";
import { ConfigError, type Problem } from "../../src/errors.ts";

const data = fileURLToPath(new URL("../data/", import.meta.url));

let folder: string;
beforeAll(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "zmqecho-proto-")));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Writes files into a folder of the test's own and returns the folder. */
function filesIn(name: string, files: Record<string, string>): string {
  const root = join(folder, name);
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  return root;
}

function codecOf(spec: Omit<ProtobufSpec, "type">, root = folder) {
  return createProtobufCodec({ type: "protobuf", ...spec }, { role: "server", folder: root, name: "order" });
}

/** The problems of a schema that can't be used. */
function problemsOf(spec: Omit<ProtobufSpec, "type">, root: string): readonly Problem[] {
  try {
    codecOf(spec, root);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error("the schema was accepted");
}

const head = 'syntax = "proto3";\npackage shop;\n';

describe("finding files", () => {
  it("looks for an import beside its file, then in the include folders, and tells every file it read", () => {
    const root = filesIn("imports", {
      "schemas/order.proto": `${head}import "parts/item.proto";\nimport "money.proto";\nmessage Order { Item item = 1; Money sum = 2; }`,
      "schemas/parts/item.proto": `${head}import "google/protobuf/timestamp.proto";\nmessage Item { google.protobuf.Timestamp at = 1; }`,
      "vendor/money.proto": `${head}message Money { int64 units = 1; }`,
    });
    const codec = codecOf({ proto: "schemas/order.proto", include: ["vendor"], request: "shop.Order" }, root);
    expect(codec.decode(codec.encode({ item: { at: new Date(5) }, sum: { units: 3 } }))).toEqual({
      item: { at: new Date(5) },
      sum: { units: 3 },
    });
    const files = ["schemas/order.proto", "schemas/parts/item.proto", "vendor/money.proto"];
    expect([...codec.texts.keys()].sort()).toEqual(files.map((file) => join(root, file)));
  });

  it("reads several files, and files that import each other", () => {
    const root = filesIn("several", {
      "a.proto": `${head}import "b.proto";\nmessage A { B b = 1; }`,
      "b.proto": `\uFEFF${head}import "a.proto";\nmessage B { A a = 1; }`,
      "c.proto": `${head}message C { A a = 1; }`,
    });
    const codec = codecOf({ proto: ["a.proto", "c.proto"], request: "shop.C" }, root);
    expect(codec.decode(codec.encode({ a: { b: { a: {} } } }))).toEqual({ a: { b: { a: {} } } });
  });

  it("has all of google/protobuf, descriptor.proto too", () => {
    const root = filesIn("descriptor", {
      "options.proto": `${head}import "google/protobuf/descriptor.proto";\nmessage M { google.protobuf.FileDescriptorProto file = 1; }`,
    });
    const codec = codecOf({ proto: "options.proto", request: "shop.M" }, root);
    expect(codec.decode(codec.encode({ file: { name: "x", messageType: [{ name: "T" }] } }))).toEqual({
      file: { name: "x", messageType: [{ name: "T" }] },
    });
  });

  it("takes a name from the innermost scope that has it, never from one below", () => {
    const codec = codecOf({ proto: "scopes.proto", request: "test.scopes.Whole" }, data);
    const value = { part: { name: "outer" }, qualified: { name: "outer" }, inner: { own: { name: 1 } } };
    expect(codec.decode(codec.encode(value))).toEqual(value);
  });

  it("names a missing file", () => {
    expect(problemsOf({ proto: "none.proto", request: "shop.Order" }, folder)).toEqual([
      { file: join(folder, "none.proto"), message: "no such .proto file, or it can't be read" },
    ]);
  });

  it("names a missing import where it is imported", () => {
    const root = filesIn("missing", { "a.proto": `${head}\n  import "none.proto";\nmessage A {}` });
    expect(problemsOf({ proto: "a.proto", request: "shop.A" }, root)).toMatchObject([
      { file: join(root, "a.proto"), line: 4, column: 10, message: expect.stringContaining('the import "none.proto"') },
    ]);
  });
});

describe("reading files", () => {
  it.each([
    ["a syntax error", "message A {\n  strin g x = 1;\n}", 4, "illegal token"],
    ["a file that ends too early", "message A {\n  string x = 1", 4, "the file ends too early"],
  ])("tells file and line of %s", (name, text, line, message) => {
    const root = filesIn(name, { "a.proto": head + text });
    const [problem] = problemsOf({ proto: "a.proto", request: "shop.A" }, root);
    expect(problem).toMatchObject({ file: join(root, "a.proto"), line, message: expect.stringContaining(message) });
  });

  it("tells file, line and column of every type that is not there", () => {
    const root = filesIn("unresolved", {
      "a.proto": `${head}message A {\n  Nowhere one = 1;\n  map<string, shop.Gone> two = 2;\n  string three = 3;\n}`,
    });
    expect(problemsOf({ proto: "a.proto", request: "shop.A" }, root)).toEqual([
      {
        file: join(root, "a.proto"),
        line: 4,
        column: 3,
        message: 'there is no type "Nowhere", which the field "one" of shop.A has',
      },
      {
        file: join(root, "a.proto"),
        line: 5,
        column: 15,
        message: 'there is no type "shop.Gone", which the field "two" of shop.A has',
      },
    ]);
  });

  it("names the file of a number used twice", () => {
    const root = filesIn("twice", { "a.proto": `${head}message A { string x = 1; string y = 1; }` });
    expect(problemsOf({ proto: "a.proto", request: "shop.A" }, root)).toEqual([
      { file: join(root, "a.proto"), message: "duplicate id 1 in Type A" },
    ]);
  });

  it("refuses groups, but only where they would be carried", () => {
    expect(problemsOf({ proto: "legacy.proto", request: "legacy.HoldsGroup" }, data)).toMatchObject([
      { file: join(data, "legacy.proto"), line: 26, message: expect.stringContaining("a group") },
    ]);
    expect(
      codecOf({ proto: "legacy.proto", request: "legacy.Reading" }, data).decode(Buffer.from("0801", "hex")),
    ).toEqual({
      id: 1,
    });
  });

  it("refuses two fields with one name in JSON", () => {
    const root = filesIn("clash", { "a.proto": `${head}message A {\n  string a_b = 1;\n  string aB = 2;\n}` });
    expect(problemsOf({ proto: "a.proto", request: "shop.A" }, root)).toMatchObject([
      { file: join(root, "a.proto"), line: 5, message: 'two fields of shop.A are "aB" in JSON' },
    ]);
  });
});

describe("choosing types", () => {
  const proto = "kinds.proto";

  it.each([
    [
      "an unknown type, with the nearest",
      { proto, request: "test.Kind" },
      '"test.Kind"; did you mean "test.Kinds"? there are test.Kinds',
    ],
    ["a name without its package", { proto, request: "Kinds" }, '"Kinds"; did you mean "test.Kinds"?'],
    [
      "an unknown response",
      { proto, request: "test.Kinds", response: "x.Y" },
      '"response": there is no message type "x.Y"; there are test.Kinds',
    ],
    ["an enum", { proto, request: "test.Color" }, 'there is no message type "test.Color"'],
    ["no request", { proto }, '"request" is missing: give the full name of a message type; there are test.Kinds'],
    ["a request without a schema", { request: "shop.Order" }, '"request" needs "proto"'],
    ["a response without a schema", { response: "shop.Order" }, '"response" needs "proto"'],
    ["an empty list of files", { proto: [], request: "shop.Order" }, '"proto" is an empty list'],
  ])("refuses %s", (_name, spec, message) => {
    const [problem] = problemsOf(spec, data);
    expect(problem?.message).toContain('codec "order": ');
    expect(problem?.message).toContain(message);
  });
});
