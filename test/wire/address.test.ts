import { describe, expect, test } from "vitest";
import { ZmqEchoError } from "../../src/errors.ts";
import { type AddressUse, isLoopback, parseAddress, reachable } from "../../src/wire/address.ts";

const LONGEST_NAME = `${"a".repeat(63)}.${"b".repeat(63)}.${"c".repeat(63)}.${"d".repeat(61)}`;

describe("what is an address", () => {
  test.each<[AddressUse, string, string, number]>([
    ["bind", "tcp://127.0.0.1:25933", "127.0.0.1", 25_933],
    ["bind", "tcp://*:25933", "*", 25_933],
    ["bind", "tcp://0.0.0.0:25933", "0.0.0.0", 25_933],
    ["bind", "tcp://*:*", "*", 0],
    ["bind", "tcp://127.0.0.1:*", "127.0.0.1", 0],
    ["bind", "tcp://127.0.0.1:0", "127.0.0.1", 0],
    ["bind", "tcp://[::1]:25933", "::1", 25_933],
    ["bind", "tcp://[::]:25933", "::", 25_933],
    ["bind", "tcp://eth0:25933", "eth0", 25_933],
    ["bind", "tcp://127.0.0.1:1", "127.0.0.1", 1],
    ["bind", "tcp://127.0.0.1:65535", "127.0.0.1", 65_535],
    ["connect", "tcp://127.0.0.1:25933", "127.0.0.1", 25_933],
    ["connect", "tcp://localhost:25933", "localhost", 25_933],
    ["connect", "tcp://robot_7.shop.example:25933", "robot_7.shop.example", 25_933],
    ["connect", "tcp://[2001:db8::17]:25933", "2001:db8::17", 25_933],
    ["connect", `tcp://${LONGEST_NAME}:80`, LONGEST_NAME, 80],
  ])("%s %s", (use, text, host, port) => {
    expect(parseAddress(text, use)).toEqual({ transport: "tcp", text, host, port });
  });

  test.each([
    ["ipc:///run/zmqecho/echo", "/run/zmqecho/echo"],
    ["ipc://echo.sock", "echo.sock"],
    ["ipc://@abstract", "@abstract"],
    ["ipc://with space and ünïcode", "with space and ünïcode"],
    [`ipc:///${"x".repeat(106)}`, `/${"x".repeat(106)}`],
  ])("%s, either way", (text, path) => {
    for (const use of ["bind", "connect"] as const)
      expect(parseAddress(text, use)).toEqual({ transport: "ipc", text, path });
  });
});

describe("what libzmq would misread is refused", () => {
  test.each<[AddressUse, string]>([
    ["bind", "tcp://*:70000"],
    ["bind", "tcp://*:65536"],
    ["bind", "tcp://*:80x"],
    ["bind", "tcp://*:x80"],
    ["bind", "tcp://*:-1"],
    ["bind", "tcp://*:+80"],
    ["bind", "tcp://*: 80"],
    ["bind", "tcp://*:80 "],
    ["bind", "tcp://*:080"],
    ["bind", "tcp://*:8.0"],
    ["bind", "tcp://*:0x50"],
    ["bind", "tcp://*:80/path"],
    ["bind", "tcp://*:!"],
    ["bind", "tcp://*:**"],
    ["connect", "tcp://127.0.0.1:70000"],
  ])("%s %s", (use, text) => expect(() => parseAddress(text, use)).toThrow("is no port; ports are 1 to 65535"));
});

describe("what else is refused, and what to write instead", () => {
  test.each<[AddressUse, string, string]>([
    ["bind", "", "an address starts with tcp:// or ipc://"],
    ["bind", "echo", "an address starts with tcp:// or ipc://"],
    ["bind", "127.0.0.1:25933", "an address starts with tcp:// or ipc://; did you mean tcp://127.0.0.1:25933?"],
    ["bind", " tcp://127.0.0.1:25933", "an address starts with tcp:// or ipc://"],
    ["bind", "TCP://127.0.0.1:25933", "write the scheme in lower case: tcp://"],
    ["bind", "Ipc:///run/x", "write the scheme in lower case: ipc://"],
    ["bind", "inproc://x", "use ipc://"],
    ["bind", "ws://127.0.0.1:80", "ws:// is not served; use tcp:// or ipc://"],
    ["bind", "pgm://eth0;239.192.1.1:5555", "pgm:// is not served"],
    ["connect", "http://127.0.0.1:80", "http:// is not served"],
    ["bind", "tcp://", "the port is missing: tcp://127.0.0.1:25933"],
    ["bind", "tcp://127.0.0.1", "the port is missing: tcp://127.0.0.1:25933"],
    ["bind", "tcp://127.0.0.1:", "the port is missing: tcp://127.0.0.1:25933"],
    ["bind", "tcp://:25933", "the host is missing; for this machine alone: tcp://127.0.0.1:25933"],
    ["bind", "tcp://localhost:25933", "libzmq does not bind names; write tcp://127.0.0.1:25933"],
    ["bind", "tcp://[::1:25933", "write an IPv6 address in brackets"],
    ["bind", "tcp://[::1]x:25933", "write an IPv6 address in brackets"],
    ["bind", "tcp://[]:25933", "holds no IPv6 address"],
    ["bind", "tcp://a\nb:25933", '"a\\x0ab" is no host name'],
    ["bind", "tcp://[127.0.0.1]:25933", "holds no IPv6 address"],
    ["bind", "tcp://256.0.0.1:25933", "is no IPv4 address"],
    ["bind", "tcp://127.1:25933", "is no IPv4 address"],
    ["bind", "tcp://127.0.0.01:25933", "is no IPv4 address"],
    ["bind", "tcp://2130706433:25933", "is no IPv4 address"],
    ["connect", "tcp://*:25933", "* is for binding; to connect, name the host"],
    ["connect", "tcp://0.0.0.0:25933", "0.0.0.0 is for binding; to connect, name the host"],
    ["connect", "tcp://127.0.0.1:*", "port * is for binding"],
    ["connect", "tcp://127.0.0.1:0", "port 0 is for binding"],
    ["connect", "tcp://192.168.1.17:5555;192.168.1.1:5555", "a source address (the part before ;) is not supported"],
    ["connect", "tcp://user@host:25933", "is no host name"],
    ["connect", "tcp://-host:25933", "is no host name"],
    ["connect", "tcp://host-:25933", "is no host name"],
    ["connect", "tcp://a..b:25933", "is no host name"],
    ["connect", "tcp://ho st:25933", "is no host name"],
    ["connect", "tcp://höst:25933", "is no host name"],
    ["connect", "tcp://host/x:25933", "is no host name"],
    ["connect", `tcp://${LONGEST_NAME}x:25933`, "is no host name"],
    ["bind", "ipc://", "the path is missing"],
    ["bind", "ipc://@", "the path is missing"],
    ["bind", "ipc://*", "name a path"],
    ["bind", "ipc://a\0b", "a path holds no NUL byte"],
    ["bind", `ipc:///${"x".repeat(107)}`, "the path has 108 bytes; a socket's may have 107 at most"],
    ["bind", `ipc:///${"é".repeat(54)}`, "the path has 109 bytes"],
  ])("%s %j: %s", (use, text, why) => {
    let thrown: unknown;
    try {
      parseAddress(text, use);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(ZmqEchoError);
    expect(thrown).toMatchObject({ code: "invalid_argument", message: expect.stringContaining(why) });
    expect(thrown).toMatchObject({ message: expect.stringContaining(JSON.stringify(text)) });
  });
});

test.each(["tcp://::1:25933", "tcp://2001:db8::17:25933", "tcp://a:b:1"])("%s is told of brackets", (text) => {
  expect(() => parseAddress(text, "connect")).toThrow("write an IPv6 address in brackets, as in tcp://[::1]:25933");
});

describe("whether only this machine can reach it", () => {
  test.each([
    ["tcp://127.0.0.1:1", true],
    ["tcp://127.8.9.10:1", true],
    ["tcp://[::1]:1", true],
    ["ipc:///run/x", true],
    ["tcp://*:1", false],
    ["tcp://0.0.0.0:1", false],
    ["tcp://[::]:1", false],
    ["tcp://10.0.0.1:1", false],
    ["tcp://eth0:1", false],
    ["tcp://127.example:1", false],
  ])("%s: %s", (text, expected) => expect(isLoopback(parseAddress(text, "bind"))).toBe(expected));

  test("localhost is", () => expect(isLoopback(parseAddress("tcp://localhost:1", "connect"))).toBe(true));
});

test.each([
  ["tcp://*:25933", "tcp://127.0.0.1:25933"],
  ["tcp://0.0.0.0:25933", "tcp://127.0.0.1:25933"],
  ["tcp://[::]:25933", "tcp://[::1]:25933"],
  ["tcp://10.0.0.1:25933", "tcp://10.0.0.1:25933"],
  ["ipc://*", "ipc://*"],
])("a client reaches what is bound to %s at %s", (bound, address) => expect(reachable(bound)).toBe(address));
