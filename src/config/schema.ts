/**
 * What a configuration may hold: the one source of its types, its defaults, its JSON Schema and its reference in docs/config.md.
 * zod takes some 50 ms to load, so it is loaded at the first use, and synchronously.
 */
import { createRequire } from "node:module";
import type { z as Zod } from "zod";
import { ERROR_CODES, type ErrorCode } from "../errors.ts";
import { ISOLATIONS } from "../handler.ts";
import { parseHttpAddress } from "../wire/http-address.ts";
import { BOUNDS, DEFAULTS } from "./defaults.ts";
import { vocabularyOf } from "./vocabulary.ts";

type Schema = ReturnType<typeof buildSchema>;

/**
 * What stands in `zmqecho.config.json`: every key with a default may be left out, and a list of one may be the one.
 * What each key means is in docs/config.md, and in config/zmqecho.schema.json, which comes with the package.
 */
export type ConfigInput = Zod.input<Schema>;

/** The same once it is validated: defaults filled in, but paths and lists as they were written. */
export type ParsedConfig = Zod.output<Schema>;

let schema: Schema | undefined;

/** The schema, built once. Its own messages say what was expected; `explain.ts` adds what was found. */
export function configSchema(): Schema {
  schema ??= buildSchema(loadZod());
  return schema;
}

/** The JSON Schema (draft-7) of {@link ConfigInput}, for editors. */
export function configJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = loadZod().toJSONSchema(configSchema(), { io: "input", target: "draft-7" });
  return { $schema, title: "zmqecho configuration", ...rest };
}

function loadZod(): typeof Zod {
  const { z } = createRequire(import.meta.url)("zod") as typeof import("zod");
  return z;
}

function buildSchema(z: typeof Zod) {
  const { text, matching, flag, whole, oneOf, list, someOf, strict, named, name, read, addresses } = vocabularyOf(z);

  const limit = {
    maxMessageBytes: whole(1, 1_073_741_824).meta({
      description: "Bytes of one message, all its frames together; a larger one is `resource_exhausted`.",
    }),
    maxFrames: whole(1, 65_536).meta({ description: "Frames of one message; more are `resource_exhausted`." }),
    maxDepth: whole(1, 1_000).meta({
      description: "How deep lists and objects may nest; deeper is `invalid_argument`.",
    }),
    handshakeMs: whole(1, 3_600_000).meta({
      description: "Milliseconds in which a peer that connects must have said that it speaks ZeroMQ.",
    }),
    lingerMs: whole(0, 3_600_000).meta({
      description: "Milliseconds in which replies that are not yet sent may still leave when a socket closes.",
    }),
  };

  const codec = z.discriminatedUnion(
    "type",
    [
      strict({ type: oneOf(["raw", "json", "cbor", "msgpack"]).meta({ description: "Which encoding." }) }),
      strict({
        type: z.literal("protobuf").meta({ description: "Protocol Buffers." }),
        proto: someOf(text("the path of a .proto file"), "the path of a .proto file", "paths of .proto files")
          .exactOptional()
          .meta({ description: "The `.proto` file or files. Without any, a message is a `google.protobuf.Value`." }),
        include: list(text("the path of a folder"), "folders")
          .exactOptional()
          .meta({ description: "Folders in which the imports of those files are looked up." }),
        request: text('the full name of a message, such as "shop.Order"')
          .exactOptional()
          .meta({ description: "The full name of the message that a request is." }),
        response: text('the full name of a message, such as "shop.Receipt"')
          .exactOptional()
          .meta({ description: "The full name of the message that a reply is. Default: that of `request`." }),
      }),
    ],
    {
      error: (issue) =>
        typeof issue.input !== "object" || issue.input === null
          ? "expected an object with a type"
          : 'expected one of "raw", "json", "cbor", "msgpack", "protobuf"',
    },
  );

  const handler = strict({
    plugin: name("the name of a plugin")
      .exactOptional()
      .meta({ description: "The plugin it is made from. Default: the one of the handler's own name." }),
    isolation: oneOf(ISOLATIONS).exactOptional().meta({
      description:
        "Where it runs: `inline` in the host's own thread, `thread` or `process` in a pool of them, behind a wall. Default: what the plugin says, or `inline`.",
    }),
    concurrency: whole(1, BOUNDS.concurrency).exactOptional().meta({
      description:
        "How many of its calls run at once, over all endpoints; the others wait in the queues of those. Default: what the plugin says, or no bound but the endpoints'. In a pool never more than its workers.",
    }),
    pool: strict({
      maxWorkers: whole(1, BOUNDS.maxWorkers)
        .exactOptional()
        .meta({ description: "How many threads or processes at most. Default: one for each processor core." }),
      idleMs: whole(0, 86_400_000)
        .default(DEFAULTS.pool.idleMs)
        .meta({ description: "Milliseconds after which one that has nothing to do ends." }),
      memoryMb: whole(16, 1_048_576)
        .default(DEFAULTS.pool.memoryMb)
        .meta({ description: "Megabytes of JavaScript heap that each may use; one that wants more is replaced." }),
    })
      .prefault({})
      .meta({ description: "The pool of a handler that runs in threads or processes." }),
    timeoutMs: whole(1, BOUNDS.timeoutMs)
      .exactOptional()
      .meta({
        description: `Milliseconds from reading the request to \`deadline_exceeded\`. Default: what the plugin says, or ${DEFAULTS.handlerTimeoutMs}.`,
      }),
    options: z
      .record(z.string(), z.unknown(), { error: "expected an object" })
      .default({})
      .meta({ description: "For the plugin, as `context.options`. What may be in it is the plugin's business." }),
  });

  const endpoint = strict({
    bind: addresses("bind").exactOptional().meta({
      description:
        "The address or addresses to listen on: `tcp://HOST:PORT` or `ipc://PATH`. `bind`, `connect` or both are needed.",
    }),
    connect: addresses("connect")
      .exactOptional()
      .meta({ description: "The address or addresses of brokers (a DEALER) to serve behind." }),
    handler: name("the name of a handler")
      .exactOptional()
      .meta({
        description: `The one handler that answers; a message is its payload and nothing else. Default: \`${DEFAULTS.handler}\`, if there is no \`handlers\` either.`,
      }),
    handlers: list(
      matching(/^(\*|[A-Za-z0-9][\w.-]*(\.\*)?)$/, 'the name of a handler, "prefix.*", or "*"'),
      'names of handlers, "prefix.*" or "*"',
    )
      .min(1, { error: 'expected at least one name; "*" allows every handler' })
      .exactOptional()
      .meta({
        description:
          "Instead of `handler`: the handlers that may be called by name, through the ZEP protocol. Exact names, `prefix.*`, or `*` for all.",
      }),
    codec: name("the name of a codec")
      .exactOptional()
      .meta({
        description: `With \`handler\` only: how messages are encoded. A built-in codec, one of \`codecs\`, or a plugin's. Default: \`${DEFAULTS.codec}\`.`,
      }),
    introspection: flag().exactOptional().meta({
      description:
        "With `handlers` only: whether callers may list and describe them, and read what is counted. Default: `true`.",
    }),
    concurrency: whole(1, BOUNDS.concurrency).default(DEFAULTS.concurrency).meta({
      description:
        "Calls that run at once. 1 is lock-step, as a REP socket has it: the next request is read when the one before is answered.",
    }),
    queue: whole(0, 1_000_000).default(DEFAULTS.queue).meta({
      description:
        "With a concurrency above 1: calls that may wait for their turn; more are `resource_exhausted`. One of more than 256 KiB counts as several, a place for each 256 KiB.",
    }),
    limits: strict({
      maxMessageBytes: limit.maxMessageBytes.exactOptional(),
      maxFrames: limit.maxFrames.exactOptional(),
      maxDepth: limit.maxDepth.exactOptional(),
      handshakeMs: limit.handshakeMs.exactOptional(),
      lingerMs: limit.lingerMs.exactOptional(),
    })
      .exactOptional()
      .meta({ description: "Other limits for this endpoint. Default for each: the one under `limits` at the top." }),
    curve: strict({
      certificate: text("the path of a secret certificate").meta({
        description: "The endpoint's own key pair: a secret certificate, as `zmqecho keygen` makes it.",
      }),
      allow: text("the path of a folder").meta({
        description:
          "A folder of public certificates, files that end in `.key`: who has one of these keys may connect. It is followed while the host runs.",
      }),
    })
      .exactOptional()
      .meta({ description: "Ask clients for CURVE keys. Without it an endpoint is open to whoever reaches it." }),
    ipcMode: matching(/^0?[0-7]{3}$/, 'an octal mode as text, such as "0700"')
      .default(DEFAULTS.ipcMode)
      .meta({ description: "The permissions of its `ipc://` sockets, in octal." }),
  });

  const target = strict({
    connect: addresses("connect").meta({ description: "The address or addresses of the server." }),
    codec: name("the name of a codec")
      .default(DEFAULTS.codec)
      .meta({ description: "How messages are encoded: a built-in codec, one of `codecs`, or a plugin's." }),
    timeoutMs: whole(1, BOUNDS.timeoutMs)
      .default(DEFAULTS.clientTimeoutMs)
      .meta({ description: "Milliseconds for a whole call, its retries included." }),
    retries: whole(0, BOUNDS.retries).default(DEFAULTS.retries).meta({
      description: "How often a call without an answer is sent again. The server may then run it more than once.",
    }),
    curve: strict({
      serverKey: text("the path of a certificate").meta({
        description: "The server's public certificate: a server with another key is not talked to.",
      }),
      certificate: text("the path of a secret certificate").exactOptional().meta({
        description:
          "One's own key pair, a secret certificate. Default: a new pair for each process, which only a server that takes any key accepts.",
      }),
    })
      .exactOptional()
      .meta({ description: "For a server that asks for CURVE keys." }),
  });

  return strict({
    $schema: z
      .string({ error: "expected the path or URL of a JSON Schema" })
      .exactOptional()
      .meta({ description: "For editors: where the JSON Schema of this file is." }),
    plugins: list(text("the path of a folder, or the name of an npm package"), "folders and npm packages")
      .default([...DEFAULTS.plugins])
      .meta({
        description: "Where plugins are. An entry that starts with `.` or `/` is a folder, any other an npm package.",
      }),
    watch: flag().default(DEFAULTS.watch).meta({
      description:
        "Whether edits to plugins, to what they import, to `.proto` files and to this file count while the host runs. The host then starts although a plugin that an endpoint names is broken, and that endpoint answers `unavailable` until it is mended; with `false` that is an error.",
    }),
    codecs: named(codec)
      .default({})
      .meta({ description: "Codecs with settings, by name. The built-in ones need no entry." }),
    handlers: named(handler).default({}).meta({
      description:
        "What differs from the plugins' own defaults, by the handler's name; also a second handler from one plugin.",
    }),
    endpoints: named(endpoint)
      .prefault({ [DEFAULTS.endpoint]: { bind: DEFAULTS.address } })
      .meta({ description: "Where requests come in, by name." }),
    targets: named(target)
      .default({})
      .meta({ description: "Servers that the client commands may call by name, besides the endpoints." }),
    limits: strict({
      maxMessageBytes: limit.maxMessageBytes.default(DEFAULTS.limits.maxMessageBytes),
      maxFrames: limit.maxFrames.default(DEFAULTS.limits.maxFrames),
      maxDepth: limit.maxDepth.default(DEFAULTS.limits.maxDepth),
      handshakeMs: limit.handshakeMs.default(DEFAULTS.limits.handshakeMs),
      lingerMs: limit.lingerMs.default(DEFAULTS.limits.lingerMs),
    })
      .prefault({})
      .meta({ description: "What one message may cost, and how long sockets wait." }),
    log: strict({
      level: oneOf(["debug", "info", "warn", "error", "silent"])
        .default(DEFAULTS.log.level)
        .meta({ description: "The least that is logged. The variable `ZMQECHO_LOG_LEVEL` overrides it." }),
      format: oneOf(["auto", "pretty", "json"]).default(DEFAULTS.log.format).meta({
        description:
          "`auto` is `pretty` on a terminal and JSON lines otherwise. The variable `ZMQECHO_LOG_FORMAT` overrides it.",
      }),
    })
      .prefault({})
      .meta({ description: "The log, on stderr." }),
    shutdown: strict({
      graceMs: whole(0, 3_600_000)
        .default(DEFAULTS.shutdown.graceMs)
        .meta({ description: "Milliseconds in which calls that are being served may end before the host stops." }),
    })
      .prefault({})
      .meta({ description: "How the host stops." }),
    http: strict({
      bind: read(parseHttpAddress, `HOST:PORT, such as "${DEFAULTS.http.bind}"`).meta({
        description:
          'Where to listen: `HOST:PORT`. Health, metrics and a page for people are there, for whoever reaches it; `"*:9464"` is every interface.',
      }),
      hosts: list(
        matching(/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/, "a host's name in lower case, without a port"),
        "host names",
      )
        .default([])
        .meta({
          description:
            "The names by which browsers may call it, beside IP addresses and `localhost`: that of a proxy in front of it, for example. A page of any other name is refused, whatever address that name has.",
        }),
      payloads: flag().default(false).meta({
        description:
          "Whether the page shows the beginning of what is in requests and replies, to whoever can open it. Without it only their sizes.",
      }),
    })
      .exactOptional()
      .meta({ description: "Health, metrics and a page, over HTTP. Absent: nothing listens." }),
    capture: strict({
      dir: text("the path of a folder").meta({
        description: "The folder of the recordings; made if it is not there. They hold what callers sent.",
      }),
      codes: list(oneOf(Object.keys(ERROR_CODES) as [ErrorCode, ...ErrorCode[]]), "error codes")
        .min(1, { error: "expected at least one error code" })
        .default([...DEFAULTS.capture.codes])
        .meta({ description: "Which failures." }),
      max: whole(1, 1_000_000)
        .default(DEFAULTS.capture.max)
        .meta({ description: "How many requests are kept; the oldest make room." }),
      maxBytes: whole(1, 1_099_511_627_776)
        .default(DEFAULTS.capture.maxBytes)
        .meta({ description: "Bytes that all recordings may take; the oldest make room." }),
    })
      .exactOptional()
      .meta({ description: "Keep requests that failed, for `zmqecho replay`. Absent: none is kept." }),
  });
}
