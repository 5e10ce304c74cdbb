/** What may stand at the end of an unfinished line, for the scripts of `zmqecho completion`. */
import type { Argument, Command, Option } from "commander";
import { namesOf } from "./names.ts";
import { program } from "./program.ts";

interface Candidate {
  readonly value: string;
  readonly meaning?: string;
}

/** Prints a candidate in each line, with its meaning after a tab. Never rejects, and says nothing of what is wrong: somebody is typing. */
export async function complete(words: readonly string[]): Promise<void> {
  const candidates = await candidatesFor(words).catch((): Candidate[] => []);
  for (const { value, meaning = "" } of candidates) process.stdout.write(`${value}\t${meaning}\n`);
}

/** The words before the last, understood. */
interface Line {
  /** None yet is the program itself. */
  readonly command: Command;
  /** How many words stand for arguments of the command. */
  readonly given: number;
  /** The flag whose value the last word is. */
  readonly flag?: Option | undefined;
  /** True behind `--`. */
  readonly onlyWords: boolean;
  /** The value of `--config`. */
  readonly config?: string | undefined;
}

async function candidatesFor(words: readonly string[]): Promise<Candidate[]> {
  const root = program();
  const line = read(words.slice(0, -1), root);
  if (line === undefined) return [];
  const last = words.at(-1) ?? "";
  const isFlag = last.startsWith("-") && !line.onlyWords;
  if (line.flag !== undefined) {
    // bash takes --flag=value for three words.
    return startingWith(last === "=" ? "" : last, await valuesOf(line.flag, line));
  }
  const end = last.indexOf("=");
  if (isFlag && end > 0) {
    const name = last.slice(0, end);
    const flag = flagsOf(line.command).find(({ long }) => long === name);
    const values = flag !== undefined && takesValue(flag) ? await valuesOf(flag, line) : [];
    return startingWith(
      last,
      values.map(({ value }) => ({ value: `${name}=${value}` })),
    );
  }
  if (isFlag) return startingWith(last, flags(line.command));
  if (line.command === root || line.command.name() === "help") return startingWith(last, commands(root));
  const argument = line.command.registeredArguments[line.given];
  if (argument !== undefined) return startingWith(last, await valuesOf(argument, line));
  return line.onlyWords ? [] : startingWith(last, flags(line.command));
}

/** Undefined if there is no such command. */
function read(words: readonly string[], root: Command): Line | undefined {
  let command = root;
  let given = 0;
  let flag: Option | undefined;
  let onlyWords = false;
  let config: string | undefined;
  const hear = (to: Option, value: string): void => {
    if (to.long === "--config") config = value;
  };
  for (const word of words) {
    if (flag !== undefined) {
      if (word === "=") continue;
      hear(flag, word);
      flag = undefined;
    } else if (word.startsWith("-") && word !== "-" && !onlyWords) {
      onlyWords = word === "--";
      const [name, value] = splitFlag(word);
      const meant = flagsOf(command).find(({ long, short }) => long === name || short === name);
      if (meant === undefined || !takesValue(meant)) continue;
      if (value === undefined) flag = meant;
      else hear(meant, value);
    } else if (command === root) {
      const found = commandsOf(root).find((each) => each.name() === word);
      if (found === undefined) return undefined;
      command = found;
    } else given++;
  }
  return { command, given, flag, onlyWords, config };
}

/** `--flag=value` or `-fvalue`. */
function splitFlag(word: string): readonly [name: string, value?: string] {
  if (!word.startsWith("--")) return word.length > 2 ? [word.slice(0, 2), word.slice(2)] : [word];
  const end = word.indexOf("=");
  return end < 0 ? [word] : [word.slice(0, end), word.slice(end + 1)];
}

async function valuesOf(of: Option | Argument, { config }: Line): Promise<Candidate[]> {
  const name = "long" in of ? (of.long ?? "") : of.name();
  const values = of.argChoices ?? (await namesOf(name, config));
  return values.map((value) => ({ value }));
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional;
}

/** Those that its help shows, so that help itself is among them, and what is hidden is not. */
function flagsOf(command: Command): readonly Option[] {
  return command.createHelp().visibleOptions(command);
}

function commandsOf(command: Command): readonly Command[] {
  return command.createHelp().visibleCommands(command);
}

function flags(command: Command): Candidate[] {
  return flagsOf(command).map(({ long, short, description }) => ({ value: long ?? short ?? "", meaning: description }));
}

function commands(command: Command): Candidate[] {
  return commandsOf(command).map((each) => ({ value: each.name(), meaning: each.description() }));
}

function startingWith(beginning: string, candidates: readonly Candidate[]): Candidate[] {
  return candidates.filter(({ value }) => value.startsWith(beginning));
}
