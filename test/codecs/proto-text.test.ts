/** Message types as text: a codec made from that text carries the same bytes. */
import { expect, test } from "vitest";
import { createCodec } from "../../src/codecs/registry.ts";
import { folderWith } from "../config/folder.ts";

function textOf(files: Record<string, string>, request: string, response?: string): string {
  const folder = folderWith(files);
  const spec = { type: "protobuf", proto: "a.proto", request, ...(response !== undefined && { response }) } as const;
  const { messages } = createCodec(spec, { folder });
  if (messages === undefined) throw new Error("it has a schema");
  return messages.proto();
}

const SHOP = `syntax = "proto3";
package shop;
import "google/protobuf/timestamp.proto";
enum Unused { NONE = 0; }
message Unrelated { string a = 1; }
message Receipt { int64 total = 1; }
message Order {
  enum Size { option allow_alias = true; SMALL = 0; TINY = 0; LARGE = 2; }
  message Item { string name = 1; Size size = 2; optional int32 count = 3; }
  repeated Item items = 1;
  map<string, Item> by_name = 2;
  oneof pay { string card = 3; bool cash = 4; }
  google.protobuf.Timestamp at = 5;
  repeated int32 packed_not = 6 [packed = false];
  string other = 7 [json_name = "else"];
}
`;

test("both types and all they refer to, and no others", () => {
  expect(textOf({ "a.proto": SHOP }, "shop.Order", "shop.Receipt")).toBe(`syntax = "proto3";

import "google/protobuf/timestamp.proto";

package shop;

message Order {
  enum Size {
    option allow_alias = true;
    SMALL = 0;
    TINY = 0;
    LARGE = 2;
  }
  message Item {
    string name = 1;
    .shop.Order.Size size = 2;
    optional int32 count = 3;
  }
  repeated .shop.Order.Item items = 1;
  map<string, .shop.Order.Item> by_name = 2;
  oneof pay {
    string card = 3;
    bool cash = 4;
  }
  .google.protobuf.Timestamp at = 5;
  repeated int32 packed_not = 6 [packed = false];
  string other = 7 [json_name = "else"];
}

message Receipt {
  int64 total = 1;
}
`);
});

test("it is a .proto file that makes the same codec", () => {
  const proto = textOf({ "a.proto": SHOP }, "shop.Order");
  const folder = folderWith({ "a.proto": SHOP, "b.proto": proto });
  const [one, other] = ["a.proto", "b.proto"].map((file) =>
    createCodec({ type: "protobuf", proto: file, request: "shop.Order" }, { folder }),
  );
  const order = {
    items: [{ name: "a", size: "LARGE", count: 0 }],
    byName: { x: { name: "y" } },
    cash: true,
    at: new Date(5000),
    packedNot: [1, 2],
    else: "z",
  };
  expect(other?.encode(order)).toEqual(one?.encode(order));
});

test("proto2 keeps its labels and defaults", () => {
  const proto2 = `syntax = "proto2"; package p; enum E { A = 1; B = 2; } message M { required string name = 1; optional E e = 2 [default = B]; optional string s = 3 [default = "x\\"y"]; }`;
  const text = textOf({ "a.proto": proto2 }, "p.M");
  expect(text).toContain('syntax = "proto2";');
  expect(text).toContain("  required string name = 1;\n  optional .p.E e = 2 [default = B];\n");
  expect(textOf({ "a.proto": text }, "p.M")).toBe(text);
});

test("a message around a nested type is there as its place", () => {
  const text = textOf(
    { "a.proto": 'syntax = "proto3"; message Outer { message Inner { bool b = 1; } string not_this = 1; }' },
    "Outer.Inner",
  );
  expect(text).toBe('syntax = "proto3";\n\nmessage Outer {\n  message Inner {\n    bool b = 1;\n  }\n}\n');
});
