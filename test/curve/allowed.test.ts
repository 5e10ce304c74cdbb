import { mkdirSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createAllowedReader } from "../../src/curve/allowed.ts";
import { certificateTexts } from "../../src/curve/certificate.ts";
import { newKeyPair } from "../../src/curve/pair.ts";
import { folderWith } from "../config/folder.ts";

const made = () => {
  const pair = newKeyPair();
  return { key: pair.publicKey, text: certificateTexts(pair).public };
};

test("a file that is written anew is read anew, though it has the same size, time and name", async () => {
  const [first, second] = [made(), made()];
  const folder = folderWith({});
  const file = join(folder, "a.key");
  const read = createAllowedReader();
  const write = (text: string) => {
    writeFileSync(file, text.replace(/at .*Z/, "at a time"));
    utimesSync(file, 1, 1);
  };
  write(first.text);
  expect((await read(folder)).keys).toEqual([first.key]);
  write(second.text);
  expect((await read(folder)).keys).toEqual([second.key]);
  write("nonsense");
  expect((await read(folder)).keys).toEqual([]);
  write(first.text);
  expect((await read(folder)).keys).toEqual([first.key]);
  rmSync(file);
  expect((await read(folder)).keys).toEqual([]);
});

test("what is behind a link is read anew when the link, or a folder on its way, leads elsewhere", async () => {
  const [first, second] = [made(), made()];
  const folder = folderWith({});
  for (const [name, { text }] of Object.entries({ one: first, two: second })) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "a.key"), text);
  }
  symlinkSync("one", join(folder, "..data"));
  symlinkSync("..data/a.key", join(folder, "a.key"));
  const read = createAllowedReader();
  expect(await read(folder)).toEqual({ keys: [first.key], unread: [], links: [join(folder, "a.key")] });
  symlinkSync("two", join(folder, "new"));
  renameSync(join(folder, "new"), join(folder, "..data"));
  expect((await read(folder)).keys).toEqual([second.key]);
});
