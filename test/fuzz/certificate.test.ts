import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, expect, test } from "vitest";
import { type Certificate, certificateTexts, readCertificate } from "../../src/curve/certificate.ts";
import { newKeyPair } from "../../src/curve/pair.ts";
import { decodeZ85, encodeZ85 } from "../../src/curve/z85.ts";
import { ZmqEchoError } from "../../src/errors.ts";
import { corpusOf } from "./corpus.ts";
import { fuzz, fuzzAsync, TIMEOUT_MS } from "./fuzz.ts";
import { mutated } from "./mutations.ts";

const folder = mkdtempSync(join(tmpdir(), "zmqecho-fuzz-"));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, "some.key_secret");

const pairs = [newKeyPair(), newKeyPair()];
const texts = pairs.flatMap((pair) => Object.values(certificateTexts(pair))).map((text) => Buffer.from(text));

/** Z85 of 32 bytes that nobody else has: what a key is may not be told, nor half of it. */
const SECRET = /[^\s"']{20,}/g;

async function readOrRefused(bytes: Uint8Array): Promise<Certificate | undefined> {
  writeFileSync(file, bytes);
  try {
    return await readCertificate(file);
  } catch (error) {
    if (!ZmqEchoError.is(error)) throw error;
    expect(error.code).toBe("invalid_argument");
    expect(error.message).toMatch(/^[^\p{Cc}]{1,300}$/u);
    expect(error.message.startsWith(file)).toBe(true);
    const said = error.message.slice(file.length);
    for (const [key] of Buffer.from(bytes).toString().matchAll(SECRET)) expect(said).not.toContain(key);
    return undefined;
  }
}

/** A certificate whose keys stand in the file, all of them; or a refusal. */
async function expectKeysOrRefusal(bytes: Buffer): Promise<Certificate | undefined> {
  const certificate = await readOrRefused(bytes);
  if (certificate === undefined) return undefined;
  const lines = bytes.toString().split(/\r?\n/);
  const isKey = (line: string, name: string) => new RegExp(`^\\s*${name}\\s*=`).test(line);
  const isKeyOfAny = (line: string) => isKey(line, "public-key") || isKey(line, "secret-key");
  // A change may make metadata of the keys' section, and there any names may be.
  const sectionAt = (index: number) =>
    lines.slice(0, index).findLast((line) => /^\ufeff?[\w-]/.test(line) && !isKeyOfAny(line)) ?? "curve";
  const linesOf = (name: string) =>
    lines.filter((line, index) => isKey(line, name) && /^\ufeff?curve(?![\w-])/.test(sectionAt(index)));
  expect(linesOf("public-key")).toEqual([expect.stringContaining(certificate.publicKey)]);
  if (certificate.secretKey === undefined) expect(linesOf("secret-key")).toEqual([]);
  return certificate;
}

test(
  "any file is a certificate, whose keys stand in it and are a pair, or is refused without its keys being told",
  async () => {
    let read = 0;
    const property = fc.asyncProperty(mutated(texts, 3), async (bytes) => {
      const certificate = await expectKeysOrRefusal(bytes);
      if (certificate === undefined) return;
      read++;
      const { publicKey, secretKey } = certificate;
      if (secretKey === undefined) return;
      // One of two pairs was changed in some places: what is still a pair is that one.
      expect(pairs).toContainEqual({ publicKey, secretKey });
      expect(await readOrRefused(Buffer.from(certificateTexts({ publicKey, secretKey }).secret))).toEqual(certificate);
    });
    await fuzzAsync(property, 250);
    expect(read).toBeGreaterThan(10);
  },
  TIMEOUT_MS,
);

test(
  "any text is the Z85 of some bytes, and of no others, or none",
  () => {
    const characters = fc.string({ unit: fc.constantFrom(..."09azAZ.-:+=^!/*?&<>()[]{}@%$#~\"' ü") });
    const property = fc.property(
      fc.oneof(
        characters,
        fc.uint8Array().map((bytes) => encodeZ85(bytes.subarray(0, bytes.length & ~3))),
      ),
      (text) => {
        const bytes = decodeZ85(text);
        if (bytes !== undefined) expect(encodeZ85(bytes)).toBe(text);
      },
    );
    fuzz(property, 1_000);
  },
  TIMEOUT_MS,
);

test.each(corpusOf("certificate"))("what was kept is read or refused: $why", async ({ bytes }) => {
  await expectKeysOrRefusal(bytes);
});

test("a line of 60,000 blanks is refused at once", async () => {
  const text = `curve\n    public-key = "a${" ".repeat(60_000)}b"\n`;
  const start = process.cpuUsage();
  expect(await readOrRefused(Buffer.from(text))).toBeUndefined();
  // What goes wrong here takes seconds.
  expect(process.cpuUsage(start).user / 1000).toBeLessThan(1000);
});
