/** `--data-lines FILE`: a body in each line, as BODY is written, but never the name of a file. */
import { readFile } from "node:fs/promises";
import type { Body, Codec } from "../codecs/codec.ts";
import { ConfigError, type Problem, textOf } from "../errors.ts";
import { encodeBody, valueFromBytes } from "./body.ts";
import { usageError } from "./failure.ts";
import { linesOf } from "./input-lines.ts";

const MOST_PROBLEMS = 20;

/** Encoded bodies, one or more; empty lines are passed over. Throws a usage error with file and line for each that is none. */
export async function readDataLines(file: string, codec: Codec, takesBytes: boolean): Promise<Body[]> {
  const bodies: Body[] = [];
  const problems: Problem[] = [];
  let number = 0;
  for await (const line of linesOf([await read(file)])) {
    number++;
    if (line.length === 0) continue;
    try {
      bodies.push(encodeBody(codec, valueFromBytes(line, codec, takesBytes, "this line")));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems.map(({ message }) => ({ file, line: number, message })));
      if (problems.length >= MOST_PROBLEMS) break;
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  if (bodies.length === 0) throw usageError(`${file} has no line with a body`);
  return bodies;
}

async function read(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw usageError(`can't read ${file}: ${textOf(error)}`);
  }
}
