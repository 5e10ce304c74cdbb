import { chmodSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Context, curveKeyPair, Reply, Request } from "zeromq";
import { certificateTexts, readKeyPair, readPublicKey } from "../../src/curve/certificate.ts";
import { newKeyPair } from "../../src/curve/pair.ts";
import { decodeZ85, encodeZ85 } from "../../src/curve/z85.ts";

const folder = mkdtempSync(join(tmpdir(), "zmqecho-curve-"));
let count = 0;
function fileWith(text: string): string {
  const file = join(folder, `${++count}.key`);
  writeFileSync(file, text);
  return file;
}

const pair = curveKeyPair();
const CZMQ = `#   ****  Generated on 2026-11-27 by CZMQ  ****
#   ZeroMQ CURVE **Secret** Certificate

metadata
    name = "public-key"
    email = "a@b"
curve
    public-key = "${pair.publicKey}"
    secret-key = "${pair.secretKey}"
`;

test("Z85 is what RFC 32 says", () => {
  const bytes = Buffer.from("864fd26fb559f75b", "hex");
  expect(encodeZ85(bytes)).toBe("HelloWorld");
  expect(decodeZ85("HelloWorld")).toEqual(bytes);
});

test("Z85 and back", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (some) => {
      const bytes = some.subarray(0, some.length & ~3);
      expect(decodeZ85(encodeZ85(bytes))).toEqual(Buffer.from(bytes));
    }),
  );
});

test.each(["abcd", "abcd~", "#####", "ä1234"])("%j is no Z85", (text) => {
  expect(decodeZ85(text)).toBeUndefined();
});

test("what is written is what is read", async () => {
  const texts = certificateTexts(pair);
  expect(await readKeyPair(fileWith(texts.secret))).toEqual({ publicKey: pair.publicKey, secretKey: pair.secretKey });
  expect(await readPublicKey(fileWith(texts.public))).toBe(pair.publicKey);
  expect(texts.public).not.toContain(pair.secretKey);
});

test("a new pair is one that libzmq takes for a pair", async () => {
  const made = newKeyPair();
  expect(await readKeyPair(fileWith(certificateTexts(made).secret))).toEqual(made);
  expect(newKeyPair().secretKey).not.toBe(made.secretKey);
  const [server, client] = [newKeyPair(), newKeyPair()];
  const context = new Context();
  const reply = new Reply({
    context,
    linger: 0,
    curveServer: true,
    curvePublicKey: server.publicKey,
    curveSecretKey: server.secretKey,
  });
  await reply.bind("tcp://127.0.0.1:*");
  const request = new Request({
    context,
    linger: 0,
    receiveTimeout: 5000,
    curveServerKey: server.publicKey,
    curvePublicKey: client.publicKey,
    curveSecretKey: client.secretKey,
  });
  request.connect(reply.lastEndpoint ?? "");
  await request.send("hello");
  expect(String((await reply.receive())[0])).toBe("hello");
  request.close();
  reply.close();
});

test("certificates of CZMQ and of pyzmq are read, with what else is in them", async () => {
  expect(await readKeyPair(fileWith(CZMQ))).toMatchObject({ secretKey: pair.secretKey });
  expect(await readPublicKey(fileWith(CZMQ.replaceAll("\n", "\r\n")))).toBe(pair.publicKey);
  expect(await readPublicKey(fileWith(CZMQ.replaceAll('"', "'")))).toBe(pair.publicKey);
});

test("metadata may have any names and values, as CZMQ writes them, and lines a comment at their end", async () => {
  const odd = CZMQ.replace(
    "curve\n",
    '    public-key = "somebody else\'s"\n    motto = "public-key = "x""\ncurve # the keys\n',
  );
  const text = odd.replace(`"${pair.publicKey}"`, () => `"${pair.publicKey}"  # "mine"`);
  expect(await readKeyPair(fileWith(text))).toEqual({ publicKey: pair.publicKey, secretKey: pair.secretKey });
  expect(await readPublicKey(fileWith(`\ufeff${text}`))).toBe(pair.publicKey);
  expect(await readPublicKey(fileWith(`\tpublic-key = ${pair.publicKey}   \n`))).toBe(pair.publicKey);
});

test("a key among the metadata alone is none", async () => {
  const file = fileWith(`metadata\n    public-key = "${pair.publicKey}"\ncurve\n`);
  await expect(readPublicKey(file)).rejects.toThrow("it is no certificate: it has no public-key");
});

describe("what is wrong is said, with its place, and without the keys", () => {
  const other = curveKeyPair();
  test.each([
    ["an empty file", "", "FILE: it is no certificate: it has no public-key"],
    [
      "a public one for a pair",
      CZMQ.replace(/ *secret-key.*\n/, ""),
      "FILE: it has no secret-key; the secret certificate ends in .key_secret",
    ],
    [
      "a key that is cut",
      CZMQ.replace(pair.secretKey, pair.secretKey.slice(1)),
      "FILE:9:5: the secret-key is not 40 characters of Z85",
    ],
    [
      "a key of other characters",
      CZMQ.replace(pair.publicKey, "~".repeat(40)),
      "FILE:8:5: the public-key is not 40 characters of Z85",
    ],
    ["two keys of a kind", `${CZMQ}    public-key = "${pair.publicKey}"\n`, "FILE:10:5: a second public-key"],
    [
      "keys that are no pair",
      CZMQ.replace(pair.publicKey, other.publicKey),
      "FILE: its public-key and its secret-key are no pair",
    ],
  ])("%s", async (_, text, message) => {
    const file = fileWith(text);
    const error = await readKeyPair(file).catch((each: Error) => each);
    expect(error).toMatchObject({ code: "invalid_argument", message: message.replace("FILE", file) });
    expect(String(error)).not.toContain(pair.secretKey.slice(5, 30));
  });

  test("a key for a path, which is not repeated", async () => {
    const secretKey = "D:)Q[IlAW!ahhC2ac:9*A}h:p?([4%wOTJ%JR%cs";
    for (const path of [secretKey, join(folder, secretKey)]) {
      const error = await readKeyPair(path).catch((each: Error) => each);
      expect(error).toMatchObject({ code: "invalid_argument", message: expect.stringContaining("a key stands where") });
      expect(inspect(error)).not.toContain(secretKey.slice(-10));
    }
    const missing = join(folder, "a-long-name-of-forty-characters-or-more.key");
    await expect(readKeyPair(missing)).rejects.toThrow(`${missing}: there is no such file`);
  });

  test("no such file, a folder, one that is too large", async () => {
    const missing = join(folder, "missing");
    await expect(readKeyPair(missing)).rejects.toThrow(
      `${missing}: there is no such file; zmqecho keygen makes a pair of keys`,
    );
    await expect(readKeyPair(folder)).rejects.toThrow(`${folder}: `);
    await expect(readPublicKey(fileWith("#".repeat(70_000)))).rejects.toThrow("it is too large to be a certificate");
  });

  test.skipIf(process.getuid?.() === 0)("one that may not be read", async () => {
    const file = fileWith(CZMQ);
    chmodSync(file, 0);
    await expect(readKeyPair(file)).rejects.toThrow(`${file}: it may not be read by this user`);
  });
});
