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
  addList(root);
  addDescribe(root);
  addPing(root);
}

const CONNECT = ["-c, --connect <address>", "where the server is; may be repeated", collect] as const;
const ENDPOINT = ["--endpoint <name>", "an endpoint or target of the configuration"] as const;

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
    .option(...CONNECT)
    .option(...ENDPOINT)
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

function addList(root: Command): void {
  command(root, "list", "list the handlers of the configuration, or of a server that runs")
    .addHelpText("after", "\nWith --connect or --endpoint the server is asked; without, no socket is opened.")
    .option(...CONFIG)
    .option(...CONNECT)
    .option(...ENDPOINT)
    .addOption(tableOption())
    .option("-t, --timeout <ms>", "for the server's answer; default: 10000", timeoutMs)
    .action(async (flags) => {
      const { list } = await import("./introspect.ts");
      await list(flags);
    });
}

function addDescribe(root: Command): void {
  command(root, "describe <handler>", "describe a handler of the configuration, or of a server that runs")
    .usage("[options] HANDLER")
    .addHelpText("after", "\nWith --connect or --endpoint the server is asked; without, no socket is opened.")
    .option(...CONFIG)
    .option(...CONNECT)
    .option(...ENDPOINT)
    .addOption(tableOption())
    .option("-t, --timeout <ms>", "for the server's answer; default: 10000", timeoutMs)
    .action(async (handler: string, flags) => {
      const { describe } = await import("./introspect.ts");
      await describe(handler, flags);
    });
}

function addPing(root: Command): void {
  command(root, "ping [address]", "say what is behind an address, whoever it is")
    .usage("[options] [ADDRESS]")
    .addHelpText(
      "after",
      `
Without ADDRESS, --connect and --endpoint, the configuration's first endpoint. No request is sent, but a ZEP1 ping to an
endpoint that speaks ZEP/1 as the configuration or --zep says.
It exits with 0 if a REP or ROUTER is there, 73 for another socket, 78 for none, 80 if it asks for keys.`,
    )
    .option(...CONFIG)
    .option(...CONNECT)
    .option(...ENDPOINT)
    .option("--zep", "send a ZEP1 ping; a server that does not speak ZEP/1 takes it for a request")
    .addOption(tableOption())
    .option("-t, --timeout <ms>", "for each address; default: 5000", timeoutMs)
    .option("--count <n>", "how often to look; default: 1", count)
    .option("--interval <ms>", "between two looks; default: 1000", intervalMs)
    .action(async (address: string | undefined, flags) => {
      endWithOutput();
      const { ping } = await import("./ping.ts");
      await ping(address, flags);
    });
}

function tableOption(): Option {
  return new Option("-o, --output <form>", "how to print it").choices(["pretty", "json"]).default("pretty");
}
