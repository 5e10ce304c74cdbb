import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createClient } from "../../src/client/create-client.ts";
import { ERROR_CODES, exitCodeOf, isErrorCode, ZmqEchoError } from "../../src/errors.ts";
import { loadPlugin } from "../../src/loader/load.ts";
import { ANY_PORT, addressOf, startHost } from "../hosts.ts";
import { createFolder } from "../loader/folder.ts";

const document = readFileSync(new URL("../../docs/errors.md", import.meta.url), "utf8");
const rows = document.split("\n").map((line) => line.split("|").map((cell) => cell.trim()));
const table = rows.filter((cells) => cells.length === 7 && /^`\w+`$/.test(cells[1] ?? ""));

test("the table has each code there is, in order, with what is true of it", () => {
  const expected = Object.entries(ERROR_CODES).map(([code, { number, retryable, meaning }]) => {
    return ["", `\`${code}\``, `${number}`, `${64 + number}`, retryable ? "yes" : "no", meaning, ""];
  });
  expect(table).toEqual(expected);
});

test("each code that is named elsewhere exists", () => {
  const named = rows.filter((cells) => cells.length === 4 && /^`\w+`$/.test(cells[1] ?? ""));
  expect(named).toHaveLength(14);
  for (const [, cell = ""] of named) expect(isErrorCode(cell.slice(1, -1)), cell).toBe(true);
});

test("the exit codes of calls are those of the table", () => {
  const [, late, missing, gone] = /(\d+) no answer in time, (\d+) no such handler, (\d+) nobody/.exec(document) ?? [];
  const codes = ["deadline_exceeded", "not_found", "unavailable"] as const;
  expect([late, missing, gone]).toEqual(codes.map((code) => `${exitCodeOf(code)}`));
});

test("the handler that is shown says to its caller what the text claims", async () => {
  const [, code = ""] = /```ts\n(.*?)```/s.exec(document) ?? [];
  const folder = await createFolder({ "withdraw.ts": code });
  const file = `${folder}/withdraw.ts`;
  const { handler } = await loadPlugin({ name: "withdraw", file, folder }, { api: async () => ({ ZmqEchoError }) });
  if (handler === undefined) throw new Error("it exports no handler");
  const bank = { bind: ANY_PORT, handler: "withdraw", codec: "json" };
  const host = await startHost({ endpoints: { bank } }, { withdraw: handler });
  await using client = createClient({ connect: addressOf(host, "bank"), codec: "json" });
  expect(await client.request(30)).toEqual({ balance: 70 });
  await expect(client.request("all")).rejects.toMatchObject({ code: "invalid_argument" });
  const details = { balance: 100, requestId: expect.any(String) };
  await expect(client.request(200)).rejects.toMatchObject({
    code: "failed_precondition",
    message: "not enough money",
    details,
  });
});
