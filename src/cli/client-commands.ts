/** The commands of who calls: any REP or ROUTER server, ours or not. */
import { type Command, Option } from "commander";
import {
  bytes,
  CONFIG,
  codecOption,
  collect,
  command,
  count,
  endWithOutput,
  intervalMs,
  PROTO,
  RESPONSE_TYPE,
  retries,
  speed,
  TYPE,
  timeoutMs,
} from "./options.ts";

export function addClientCommands(root: Command): void {
  addSend(root);
  addTap(root);
  addReplay(root);
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

function addTap(root: Command): void {
  command(root, "tap <listen> <target>", "pass on between clients and their server, and show what passes")
    .usage("[options] LISTEN TARGET")
    .addHelpText(
      "after",
      `
LISTEN is the address that clients connect to, such as 'tcp://127.0.0.1:*'.
TARGET is their server's address, or an endpoint or target of the configuration. A signal ends it.`,
    )
    .option(...CONFIG)
    .addOption(codecOption())
    .option(...PROTO)
    .option(...TYPE)
    .option(...RESPONSE_TYPE)
    .option("--zep", "the messages are ZEP/1: show handler, codec and code")
    .option("--record <file>", "write requests and replies to a new file, for replay and for mocks")
    .option("--filter <text>", "show and record only those whose request or reply has this in its line")
    .option("--max-frame-bytes <n>", "libzmq cuts the connection beyond; default: 8388608", bytes)
    .addOption(new Option("-o, --output <form>", "how to show them").choices(["pretty", "json"]).default("pretty"))
    .option("-q, --quiet", "show no requests and replies")
    .action(async (listen: string, target: string, flags) => {
      const { tap } = await import("./tap.ts");
      await tap(listen, target, flags);
    });
}

function addReplay(root: Command): void {
  command(root, "replay <file> [address]", "send a recording's requests again, and tell which replies differ")
    .usage("[options] FILE [ADDRESS]")
    .addHelpText(
      "after",
      `
FILE is what tap --record wrote. ADDRESS is an address, or an endpoint or target of the configuration; default: where
they went then. Exits with 1 if a reply differs, with 64 + its gRPC code if a call fails.`,
    )
    .option(...CONFIG)
    .addOption(new Option("--codec <name>", "how replies are compared; default: the recording's"))
    .option(...PROTO)
    .option(...TYPE)
    .option(...RESPONSE_TYPE)
    .option("--fast", "one after the other, without their pauses")
    .option("--speed <factor>", "how many times as fast as they were; default: 1", speed)
    .option("--ignore <path>", "a path of values that may differ, such as $.items[*].id; may be repeated", collect)
    .option("-t, --timeout <ms>", "for each call; default: the target's, or 10000", timeoutMs)
    .addOption(new Option("-o, --output <form>", "how to tell").choices(["pretty", "json"]).default("pretty"))
    .action(async (file: string, address: string | undefined, flags) => {
      endWithOutput();
      const { replay } = await import("./replay.ts");
      await replay(file, address, flags);
    });
}
