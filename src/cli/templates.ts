/** What `init` and `new` write. */

export function configText(schema: string): string {
  return `{
  "$schema": ${JSON.stringify(schema)},
  "plugins": ["./plugins"],
  "endpoints": {
    "hello": { "bind": "tcp://127.0.0.1:25933", "handler": "hello", "codec": "json", "concurrency": 16 }
  }
}
`;
}

export const HELLO_HANDLER = `import { defineHandler, ZmqEchoError } from "zmqecho";

export default defineHandler({
  description: "Greets by name",
  handle(name) {
    if (typeof name !== "string") throw new ZmqEchoError("invalid_argument", "send a name, as a text");
    return { greeting: \`Hello \${name}!\` };
  },
});
`;

export const HELLO_TEST = `import assert from "node:assert/strict";
import { after, test } from "node:test";
import { testHandler } from "zmqecho/testing";

const hello = await testHandler(new URL("../plugins/hello.ts", import.meta.url), { codec: "json" });
after(() => hello.close());

test("greets by name", async () => {
  assert.deepEqual(await hello.call("World"), { greeting: "Hello World!" });
});

test("refuses what is no name", async () => {
  await assert.rejects(hello.call(42), { code: "invalid_argument" });
});
`;

export function packageText(version: string): string {
  const manifest = {
    private: true,
    type: "module",
    scripts: { start: "zmqecho serve", test: "node --test" },
    dependencies: { zmqecho: `^${version}` },
  };
  return `${JSON.stringify(manifest, null, 2)}\n`;
}

export const GITIGNORE = "node_modules/\n";

/** Good for TypeScript and for JavaScript. */
export const NEW_HANDLER = `import { defineHandler } from "zmqecho";

export default defineHandler({
  description: "Says what it got",
  handle(input, { log }) {
    log.info({ input }, "called");
    // The codec raw carries no objects: there return bytes or text.
    return { got: input };
  },
});
`;
