/** The commands of who calls: any REP or ROUTER server, ours or not. */
import { type Command, Option } from "commander";
import {
  addCodecFlags,
  anyDuration,
  bytes,
  CONFIG,
  collect,
  command,
  concurrency,
  connections,
  count,
  endWithOutput,
  intervalMs,
  lookMs,
  positiveDuration,
  rate,
  retries,
  speed,
  timeoutMs,
} from "./options.ts";
import { SORTS } from "./top-sort.ts";

export function addClientCommands(root: Command): void {
  addSend(root);
  addList(root);
  addDescribe(root);
  addPing(root);
  addTop(root);
  addBench(root);
  addTap(root);
  addReplay(root);
}

const SERVER_KEY = ["--server-key <file>", "for CURVE: the server's public certificate"] as const;
const CERTIFICATE = ["--certificate <file>", "for CURVE: one's own secret certificate; default: a new key"] as const;
const HANDLER = ["--handler <name>", "the handler to call by name"] as const;
const DATA = ["-d, --data <body>", "the body, as BODY"] as const;
const METADATA = [
  "-H, --metadata <name=value>",
  "sent beside the body of a call by name; may be repeated",
  collect,
] as const;

/** Which server, and by what it is known. */
function addServerFlags(to: Command): Command {
  return to
    .option(...CONFIG)
    .option("-c, --connect <address>", "where the server is; may be repeated", collect)
    .option("--endpoint <name>", "an endpoint or target of the configuration")
    .option(...SERVER_KEY)
    .option(...CERTIFICATE);
}

/** For people, or for programs. */
function formOption(what: string): Option {
  return new Option("-o, --output <form>", what).choices(["pretty", "json"]).default("pretty");
}

function addSend(root: Command): void {
  const sending = addServerFlags(
    command(root, "send [address] [body]", "send a request and print the reply")
      .usage("[options] [ADDRESS] [BODY]")
      .addHelpText(
        "after",
        `
ADDRESS starts with tcp:// or ipc://; without one, the configuration says where to.
BODY is text (JSON for codecs other than raw), @FILE, or - for standard input; by default Hello world!
A call that fails exits with 64 + its gRPC code: 68 timeout, 69 not found, 78 unreachable; 2 is usage.`,
      ),
  )
    .option(...HANDLER)
    .option(...DATA)
    .option("--stream", "a request for each line of standard input; replies are printed in the order of the lines")
    .option("--in-flight <n>", "with --stream: how many are under way at once; default: 1", concurrency)
    .option("--fail-fast", "with --stream: the first failure is the end")
    .option("--frame <frame>", "a frame of a raw body: text, hex:… or @FILE; may be repeated", collect)
    .addOption(
      new Option("--socket <type>", "dealer sends the frames of --frame as they are; default: req").choices([
        "req",
        "dealer",
      ]),
    )
    .option("--identity <id>", "with --socket dealer: its routing id, text or hex:…")
    .option(...METADATA);
  addCodecFlags(sending)
    .addOption(
      new Option("-o, --output <form>", "what to print of the reply")
        .choices(["pretty", "value", "raw", "hex", "json"])
        .default("pretty"),
    )
    .option("-t, --timeout <ms>", "for the whole call, retries included; default: 10000", timeoutMs)
    .option("--retries <n>", "how often to send again after a failure that may pass; default: 0", retries)
    .option("--wait", "keep trying until the timeout if nobody is there")
    .option("--count <n>", "how many requests to send, one after the other; default: 1", count)
    .option("--interval <ms>", "from a reply to the next of them; default: 0", intervalMs)
    .option("-q, --quiet", "print nothing but errors")
    .option("-v, --verbose", "show the frames on stderr")
    .action(async (first: string | undefined, second: string | undefined, flags) => {
      endWithOutput();
      const { send } = await import("./send.ts");
      await send([first, second], flags);
    });
}

function addList(root: Command): void {
  addServerFlags(
    command(root, "list", "list the handlers of the configuration, or of a server that runs").addHelpText(
      "after",
      "\nWith --connect or --endpoint the server is asked; without, no socket is opened.",
    ),
  )
    .addOption(formOption("how to print it"))
    .option("-t, --timeout <ms>", "for the server's answer; default: 10000", timeoutMs)
    .action(async (flags) => {
      const { list } = await import("./introspect.ts");
      await list(flags);
    });
}

function addDescribe(root: Command): void {
  addServerFlags(
    command(root, "describe <handler>", "describe a handler of the configuration, or of a server that runs")
      .usage("[options] HANDLER")
      .addHelpText("after", "\nWith --connect or --endpoint the server is asked; without, no socket is opened."),
  )
    .addOption(formOption("how to print it"))
    .option("-t, --timeout <ms>", "for the server's answer; default: 10000", timeoutMs)
    .action(async (handler: string, flags) => {
      const { describe } = await import("./introspect.ts");
      await describe(handler, flags);
    });
}

function addPing(root: Command): void {
  addServerFlags(
    command(root, "ping [address]", "say what is behind an address, whoever it is")
      .usage("[options] [ADDRESS]")
      .addHelpText(
        "after",
        `
Without ADDRESS, --connect and --endpoint, the configuration's first endpoint. No request is sent, but a ZEP1 ping to an
endpoint that speaks ZEP/1 as the configuration or --zep says.
It exits with 0 if a REP or ROUTER is there, 73 for another socket, 78 for none, 80 if it asks for keys.`,
      ),
  )
    .option("--zep", "send a ZEP1 ping; a server that does not speak ZEP/1 takes it for a request")
    .addOption(formOption("how to print it"))
    .option("-t, --timeout <ms>", "for each address; default: 5000", timeoutMs)
    .option("--count <n>", "how often to look; default: 1", count)
    .option("--interval <ms>", "between two looks; default: 1000", intervalMs)
    .action(async (address: string | undefined, flags) => {
      endWithOutput();
      const { ping } = await import("./ping.ts");
      await ping(address, flags);
    });
}

function addTop(root: Command): void {
  addServerFlags(
    command(root, "top [address]", "show what a host does, look after look")
      .usage("[options] [ADDRESS]")
      .addHelpText(
        "after",
        `
Without ADDRESS, --connect and --endpoint, the configuration's first endpoint that serves handlers by name; it tells of
those it serves. On a terminal q ends it, and r, e, l, f and n sort; else each look is a block of lines.`,
      ),
  )
    .option("--interval <ms>", "from look to look; default: 2000", lookMs)
    .option("--count <n>", "how many looks; default: until it is ended", count)
    .addOption(new Option("--sort <key>", "the order of the rows").choices(SORTS).default("requests"))
    .option("--wait", "wait for a host that is not there yet")
    .addOption(formOption("how to print it"))
    .option("-t, --timeout <ms>", "for each answer; default: 2000", timeoutMs)
    .action(async (address: string | undefined, flags) => {
      endWithOutput();
      const { top } = await import("./top.ts");
      await top(address, flags);
    });
}

function addBench(root: Command): void {
  const measuring = addServerFlags(
    command(root, "bench [address] [body]", "put a load on a server and measure it")
      .usage("[options] [ADDRESS] [BODY]")
      .addHelpText(
        "after",
        `
ADDRESS and BODY as for send. Without --rate a request goes when one before has come back (closed loop); with it
requests go at their time, and latency counts from then, so that a server that stalls can't hide it (open loop).
Exits with 3 if a --fail-if holds, with 64 + a gRPC code if all requests failed, with 130 after SIGINT; 2 is usage.`,
      ),
  )
    .option(...HANDLER)
    .option(...DATA)
    .option("--data-lines <file>", "a body in each line, sent in turn")
    .option(...METADATA);
  addCodecFlags(measuring)
    .option("--connections <n>", "how many connections; default: 1", connections)
    .option("--in-flight <n>", "requests at once on each of them; default: 1, with --rate 128", concurrency)
    .option("--rate <n>", "requests a second, whether or not the server keeps up", rate)
    .option("--duration <time>", "how long: 10s, 500ms, 2m or seconds; default: 10s", positiveDuration)
    .option("--requests <n>", "how many, instead of how long; with --duration whichever ends first", count)
    .option("--warmup <time>", "before anything is measured; default: 1s, with --requests 0", anyDuration)
    .option("-t, --timeout <ms>", "for each request; default: 10000", timeoutMs)
    .option("--check", "decode the replies; one that can't be has failed")
    .option("--no-batch", "send each call by name as a message of its own, though the server takes several in one")
    .option("--fail-if <condition>", "such as 'p99>5ms', 'errors>0.1%' or 'rps<1000'; may be repeated", collect)
    .addOption(formOption("how to print it"))
    .option("--report <file>", "write a page of HTML with the plots, too")
    .option("-q, --quiet", "print nothing but errors")
    .action(async (first: string | undefined, second: string | undefined, flags) => {
      const { bench } = await import("./bench.ts");
      await bench([first, second], flags);
    });
}

function addTap(root: Command): void {
  const tapping = command(
    root,
    "tap <listen> <target>",
    "pass on between clients and their server, and show what passes",
  )
    .usage("[options] LISTEN TARGET")
    .addHelpText(
      "after",
      `
LISTEN is the address that clients connect to, such as 'tcp://127.0.0.1:*'.
TARGET is their server's address, or an endpoint or target of the configuration. A signal ends it.`,
    )
    .option(...CONFIG);
  addCodecFlags(tapping)
    .option(...SERVER_KEY)
    .option(...CERTIFICATE)
    .option(
      "--listen-certificate <file>",
      "for CURVE at LISTEN: the secret certificate that clients know; wants --allow",
    )
    .option("--allow <folder>", "for CURVE at LISTEN: the public certificates of the clients that are let in")
    .option("--zep", "the messages are ZEP/1: show handler, codec and code")
    .option("--record <file>", "write requests and replies to a new file, for replay and for mocks")
    .option("--filter <text>", "show and record only those whose request or reply has this in its line")
    .option("--max-message-bytes <n>", "larger ones pass, but are not shown or recorded; default: 8388608", bytes)
    .addOption(formOption("how to show them"))
    .option("-q, --quiet", "show no requests and replies")
    .action(async (listen: string, target: string, flags) => {
      const { tap } = await import("./tap.ts");
      await tap(listen, target, flags);
    });
}

function addReplay(root: Command): void {
  const replaying = command(
    root,
    "replay <file> [address]",
    "send a recording's requests again, and tell which replies differ",
  )
    .usage("[options] FILE [ADDRESS]")
    .addHelpText(
      "after",
      `
FILE is what tap --record or a host's capture wrote. ADDRESS is an address, or an endpoint or target of the configuration; default: where
they went then. Exits with 1 if a reply differs, with 64 + its gRPC code if a call fails.`,
    )
    .option(...CONFIG)
    .option(...SERVER_KEY)
    .option(...CERTIFICATE);
  addCodecFlags(replaying, "how replies are compared; default: the recording's")
    .option("--fast", "one after the other, without their pauses")
    .option("--speed <factor>", "how many times as fast as they were; default: 1", speed)
    .option("--ignore <path>", "a path of values that may differ, such as $.items[*].id; may be repeated", collect)
    .option("-t, --timeout <ms>", "for each call; default: the target's, or 10000", timeoutMs)
    .addOption(formOption("how to tell"))
    .action(async (file: string, address: string | undefined, flags) => {
      endWithOutput();
      const { replay } = await import("./replay.ts");
      await replay(file, address, flags);
    });
}
