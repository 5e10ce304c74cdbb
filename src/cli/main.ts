/** The command line: what commands there are, and the one place that prints errors and sets the exit code. */
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { BOUNDS } from "../config/defaults.ts";
import { describeFailure } from "./failure.ts";
import { ownVersion } from "./own-package.ts";

/** Runs one command. Never rejects; sets `process.exitCode`. */
export async function main(args: readonly string[]): Promise<void> {
  surviveLostOutput();
  try {
    await program().parseAsync([...args], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      // Commander has printed it: help and version end well, all else is a matter of usage.
      process.exitCode = error.exitCode === 0 ? 0 : 2;
      return;
    }
    const { lines, exitCode } = describeFailure(error);
    process.exitCode = exitCode;
    for (const line of lines) process.stderr.write(`zmqecho: ${line}\n`);
  }
}

/** Output that nobody takes is lost, and no command ends in a stack for it. `send` and `serve` have more to say to that. */
function surviveLostOutput(): void {
  // Nobody is left to be told.
  process.stderr.on("error", () => {});
  let told = false;
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    // A reader that has seen enough, such as `head`, is no failure.
    if (told || error.code === "EPIPE") return;
    told = true;
    process.stderr.write(`zmqecho: can't write to standard output: ${error.message}\n`);
    process.exitCode = 1;
  });
}

/** For a command that only prints: without a reader it ends there and then, as SIGPIPE ends others. */
function endWithOutput(): void {
  process.stdout.once("error", () => process.exit(process.exitCode ?? 128 + 13));
}

/** All commands with their flags; docs/cli.md is tested against it. */
export function program(): Command {
  const root = new Command("zmqecho")
    .description("curl, mock server and function host for ZeroMQ")
    .version(ownVersion())
    .configureHelp({ sortSubcommands: false, sortOptions: false })
    .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "zmqecho: ")) })
    .showSuggestionAfterError()
    .exitOverride();
  addServe(root);
  addSend(root);
  addCheck(root);
  addConfig(root);
  addInit(root);
  addNew(root);
  return root;
}

const CONFIG = ["--config <file>", "the configuration; default: the nearest zmqecho.config.json"] as const;

function addServe(root: Command): void {
  command(root, "serve [address]", "serve the endpoints of the configuration, or one at ADDRESS")
    .option(...CONFIG)
    .option(
      "--handler <name|file>",
      "one handler instead of the configuration's endpoints: a name, or a file that starts with . or /",
    )
    .option(
      "--reply <value>",
      "answer every request with this; text, or JSON for codecs other than raw; @FILE reads it",
    )
    .addOption(codecOption())
    .option(...PROTO)
    .option(...TYPE)
    .option(...RESPONSE_TYPE)
    .option("--concurrency <n>", "how many requests run at once; default: 1, in lock-step", concurrency)
    .option("-q, --quiet", "log errors only")
    .option("-v, --verbose", "show the traffic")
    .action(async (address: string | undefined, flags) => {
      const { serve } = await import("./serve.ts");
      await serve(address, flags);
    });
}

const PROTO = ["--proto <file>", "a .proto file, for the codec protobuf"] as const;
const TYPE = ["--type <name>", "the full name of the request's message type, such as shop.Order"] as const;
const RESPONSE_TYPE = ["--response-type <name>", "that of the reply; default: the request's"] as const;

function codecOption(): Option {
  return new Option("--codec <name>", "raw, json, cbor, msgpack, protobuf, or one of the configuration; default: raw");
}

function addSend(root: Command): void {
  command(root, "send [address] [body]", "send a request and print the reply")
    .usage("[options] [ADDRESS] [BODY]")
    .addHelpText(
      "after",
      `
ADDRESS starts with tcp:// or ipc://; without one, the configuration says where to.
BODY is text (JSON for codecs other than raw), @FILE, or - for standard input; by default Hello world!
A call that fails exits with 64 + its gRPC code: 68 timeout, 69 not found, 78 unreachable; 2 is usage.`,
    )
    .option(...CONFIG)
    .option("-c, --connect <address>", "where the server is; may be repeated", collect)
    .option("--endpoint <name>", "an endpoint or target of the configuration")
    .option("--handler <name>", "the handler to call by name")
    .option("-d, --data <body>", "the body, as BODY")
    .option("-H, --metadata <name=value>", "sent beside the body of a call by name; may be repeated", collect)
    .addOption(codecOption())
    .option(...PROTO)
    .option(...TYPE)
    .option(...RESPONSE_TYPE)
    .addOption(
      new Option("-o, --output <form>", "what to print of the reply")
        .choices(["pretty", "value", "raw", "hex", "json"])
        .default("pretty"),
    )
    .option("-t, --timeout <ms>", "for the whole call, retries included; default: 10000", timeoutMs)
    .option("--retries <n>", "how often to send again after a failure that may pass; default: 0", retries)
    .option("--wait", "keep trying until the timeout if nobody is there")
    .option("--count <n>", "how many requests to send, one after the other; default: 1", count)
    .option("--interval <ms>", "between them; default: 0", intervalMs)
    .option("-q, --quiet", "print nothing but errors")
    .option("-v, --verbose", "show the frames on stderr")
    .action(async (first: string | undefined, second: string | undefined, flags) => {
      endWithOutput();
      const { send } = await import("./send.ts");
      await send([first, second], flags);
    });
}

function addCheck(root: Command): void {
  command(root, "check", "validate the configuration and load its plugins, without opening a socket")
    .option(...CONFIG)
    .action(async (flags) => {
      const { check } = await import("./check.ts");
      await check(flags);
    });
}

function addConfig(root: Command): void {
  command(root, "config", "print the configuration that is in effect, and where each value came from")
    .option(...CONFIG)
    .addOption(new Option("-o, --output <form>", "how to print it").choices(["text", "json"]).default("text"))
    .action(async (flags) => {
      const { config } = await import("./config.ts");
      await config(flags);
    });
}

function addInit(root: Command): void {
  command(root, "init [folder]", "make a working folder: a configuration, a handler and its test")
    .usage("[options] [FOLDER]")
    .addHelpText("after", "\nFOLDER is made if it is not there; by default the current one. No file is overwritten.")
    .action(async (folder: string | undefined) => {
      const { init } = await import("./init.ts");
      await init(folder);
    });
}

function addNew(root: Command): void {
  command(root, "new <name>", "make a handler in the configuration's first plugins folder")
    .usage("[options] NAME")
    .addHelpText("after", "\nNAME is what the handler is called by, and its file. No file is overwritten.")
    .option(...CONFIG)
    .option("--js", "in JavaScript instead of TypeScript")
    .action(async (name: string, flags) => {
      const { newHandler } = await import("./new.ts");
      await newHandler(name, flags);
    });
}

function command(root: Command, usage: string, summary: string): Command {
  return root.command(usage).description(summary).showSuggestionAfterError().exitOverride();
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function integer(least: number, most: number, text: string): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  // Commander adds which option it is.
  throw new InvalidArgumentError(`It takes a whole number from ${least} to ${most}.`);
}

const timeoutMs = (text: string): number => integer(1, BOUNDS.timeoutMs, text);
const intervalMs = (text: string): number => integer(0, BOUNDS.timeoutMs, text);
const retries = (text: string): number => integer(0, BOUNDS.retries, text);
const concurrency = (text: string): number => integer(1, BOUNDS.concurrency, text);
const count = (text: string): number => integer(1, 1_000_000_000, text);
