/** The commands of who calls: any REP or ROUTER server, ours or not. */
import { type Command, Option } from "commander";
import {
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
  TYPE,
  timeoutMs,
} from "./options.ts";

export function addClientCommands(root: Command): void {
  addSend(root);
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
