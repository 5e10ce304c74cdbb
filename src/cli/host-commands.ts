/** The commands of who serves: run, check and write what is served. */
import { type Command, Option } from "commander";
import { addCodecFlags, CONFIG, command, concurrency } from "./options.ts";

export function addHostCommands(root: Command): void {
  addServe(root);
  addCheck(root);
  addConfig(root);
  addInit(root);
  addNew(root);
  addKeygen(root);
}

function addServe(root: Command): void {
  const serving = command(root, "serve [address]", "serve the endpoints of the configuration, or one at ADDRESS")
    .option(...CONFIG)
    .option(
      "--handler <name|file>",
      "one handler instead of the configuration's endpoints: a name, or a file that starts with . or /",
    )
    .option(
      "--reply <value>",
      "answer every request with this; text, or JSON for codecs other than raw; @FILE reads it",
    )
    .option("--mock <file>", "answer by rules, in JSON, or as a recording of tap has it");
  addCodecFlags(serving)
    .option("--concurrency <n>", "how many requests run at once; default: 1, in lock-step", concurrency)
    .option("-q, --quiet", "log errors only")
    .option("-v, --verbose", "show the traffic")
    .action(async (address: string | undefined, flags) => {
      const { serve } = await import("./serve.ts");
      await serve(address, flags);
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

function addKeygen(root: Command): void {
  command(root, "keygen <path>", "make a pair of CURVE keys")
    .usage("[options] PATH")
    .addHelpText("after", "\nIt makes PATH.key, which is public, and PATH.key_secret. No file is overwritten.")
    .action(async (path: string) => {
      const { keygen } = await import("./keygen.ts");
      await keygen(path);
    });
}
