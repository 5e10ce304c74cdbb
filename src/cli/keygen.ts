/** `zmqecho keygen`: a pair of CURVE keys, as two certificates. */
import { rm, stat } from "node:fs/promises";
import { certificateTexts } from "../curve/certificate.ts";
import { newKeyPair } from "../curve/pair.ts";
import { usageError } from "./failure.ts";
import { alreadyThere, writeNewFile } from "./new-file.ts";

/** For the owner alone. */
const SECRET_MODE = 0o600;

/** Makes `PATH.key` and `PATH.key_secret`, both or none. Throws `already_exists` if one is there, and a usage error for a path that can't be. */
export async function keygen(path: string): Promise<void> {
  const ending = /\.key(_secret)?$/.exec(path)?.[0];
  if (ending !== undefined) throw usageError(`leave out the ending: ${path.slice(0, -ending.length)}`);
  const files = { public: `${path}.key`, secret: `${path}.key_secret` };
  const there = await Promise.all(Object.values(files).map((file) => isThere(file)));
  if (there.includes(true)) throw alreadyThere(Object.values(files).filter((_, index) => there[index]));
  const texts = certificateTexts(newKeyPair());
  await writeNewFile(files.secret, texts.secret, SECRET_MODE);
  try {
    await writeNewFile(files.public, texts.public);
  } catch (error) {
    await rm(files.secret, { force: true });
    throw error;
  }
  process.stdout.write(`made ${files.secret}, for its owner alone, and ${files.public}, to be given away\n`);
}

async function isThere(file: string): Promise<boolean> {
  return stat(file).then(
    () => true,
    () => false,
  );
}
