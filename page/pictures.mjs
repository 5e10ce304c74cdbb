/**
 * The pictures of docs/page.md: `node page/pictures.mjs [SECONDS]`, of a host under a made-up load for so long, 100 by default. Needs a build, and
 * Debian's `chromium` (`CHROMIUM` names another one). Look at them before you keep them.
 */
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";
import { z } from "zod";
import { createClient, createHost, defineHandler, ZmqEchoError } from "../dist/index.js";

const seconds = Number(process.argv[2] ?? 100);
const place = fileURLToPath(new URL("../docs/pictures/", import.meta.url));
const ANY_PORT = "tcp://127.0.0.1:*";

const order = z.object({
  id: z.int().min(1),
  item: z.string().describe("what is ordered"),
  count: z.int().min(1).default(1),
  notes: z.array(z.string()).optional(),
});
const handlers = {
  "orders.create": defineHandler({
    description: "Takes an order, and says what it costs",
    input: order,
    output: z.object({ id: z.number(), total: z.number() }),
    async handle({ id, count }) {
      await delay(1 + Math.random() * 6);
      return { id, total: count * 12.5 };
    },
  }),
  "orders.find": defineHandler({
    description: "One order by its id",
    async handle(id) {
      await delay(Math.random() * 2);
      if (id % 17 === 0) throw new ZmqEchoError("not_found", `there is no order ${id}`, { details: { id } });
      return { id, item: "tea" };
    },
  }),
  flaky: defineHandler({
    description: "Fails now and then",
    handle() {
      if (Math.random() < 0.2) throw new Error("no connection to the warehouse");
      return "fine";
    },
  }),
  slow: defineHandler({
    description: "Takes its time",
    timeoutMs: 200,
    async handle() {
      await delay(60 + Math.random() * 180);
      return null;
    },
  }),
};

let token = "";
/** A log that keeps the token of the page, and nothing else. */
const log = {
  debug() {},
  info(first, second) {
    token = /#token=([\w-]+)/.exec(second ?? first)?.[1] ?? token;
  },
  warn() {},
  error() {},
  child: () => log,
};
const host = createHost(
  {
    plugins: [],
    watch: false,
    http: { bind: "127.0.0.1:*" },
    endpoints: {
      gateway: { bind: ANY_PORT, handlers: ["*"], concurrency: 32 },
      echo: { bind: ANY_PORT, handler: "echo" },
      find: { bind: ANY_PORT, handler: "orders.find", codec: "cbor", concurrency: 16 },
    },
    handlers: { echo: { isolation: "thread" }, "orders.create": { options: { apiToken: "s3cret", currency: "EUR" } } },
  },
  { handlers, log, folder: "/etc/zmqecho" },
);
await host.start();

const clientOf = (endpoint, codec) => createClient({ connect: host.addresses.get(endpoint), codec, timeoutMs: 2000 });
const gateway = clientOf("gateway", "json");
const echo = clientOf("echo", "raw");
const find = clientOf("find", "cbor");
let made = 0;

function callSomething() {
  const id = ++made;
  const chance = Math.random();
  if (chance < 0.45) return gateway.call("orders.find", Math.floor(Math.random() * 400));
  if (chance < 0.6) {
    const metadata = { "request-id": `web-${id}` };
    return gateway.call("orders.create", { id, item: "tea", count: 2 }, { metadata });
  }
  if (chance < 0.64) return gateway.call("slow", null);
  if (chance < 0.68) return gateway.call("flaky", null);
  if (chance < 0.7) return gateway.call("orders.create", { id: "x" });
  if (chance < 0.85) return echo.request(Buffer.from("Hello world!"));
  return find.request(id);
}

const loading = setInterval(() => {
  const wave = 1 + 0.5 * Math.sin(Date.now() / 4000);
  for (let left = 12 * wave; left > 0; left--) callSomething().catch(() => {});
}, 100);

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox"] });

async function open(options) {
  const page = await browser.newPage({ viewport: { width: 1120, height: 960 }, ...options });
  await page.goto(`${host.httpUrl}/#token=${token}`);
  return page;
}

const light = await open({});
const dark = await open({ colorScheme: "dark" });
const phone = await open({ viewport: { width: 360, height: 700 }, deviceScaleFactor: 2 });
await delay(seconds * 1000);
const keep = (page, name) => page.screenshot({ path: `${place}${name}.png` });
await keep(light, "page-light");
await keep(dark, "page-dark");
await keep(phone, "page-phone");
await light.setViewportSize({ width: 1120, height: 640 });
await light.getByRole("link", { name: "Requests" }).click();
await delay(1500);
await keep(light, "page-requests");
await light.setViewportSize({ width: 1120, height: 960 });
await light.getByRole("link", { name: "Handlers" }).click();
await light.locator("summary", { hasText: "orders.create" }).click();
await delay(500);
await keep(light, "page-handlers");
await light.setViewportSize({ width: 1120, height: 760 });
await light.getByRole("link", { name: "Call" }).click();
await light.getByLabel("Handler").selectOption("orders.create");
await light.getByLabel("Body").fill(JSON.stringify({ id: 7, item: "tea", count: 3 }, null, 2));
await light.getByLabel("Metadata").fill("request-id=by-hand-1");
await light.getByRole("button", { name: "Call" }).click();
await light.getByText("after").waitFor();
await light.locator(".frames summary").first().click();
await light.mouse.move(5, 700);
await keep(light, "page-call");

clearInterval(loading);
await browser.close();
await Promise.all([gateway, echo, find].map((client) => client.close()));
await host.stop();
