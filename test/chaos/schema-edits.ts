/** Edits of a codec's .proto file, and of the one that it imports. */
import { join } from "node:path";
import type { Desk, Edits } from "./editor.ts";
import { extraText, schemaText } from "./site.ts";
import { takeAway, write } from "./writing.ts";

export function schemaEdits({ site, probe, random, pause }: Desk): Edits {
  const file = join(site.folder, "schemas/order.proto");
  const imported = join(site.folder, "schemas/extra.proto");
  const { editions } = site.schema;
  const slot = site.slot("mixed-inline");

  async function mend(): Promise<void> {
    const edition = editions.next();
    await write(file, schemaText(edition), random);
    const { answer } = await probe.until(
      slot,
      "order",
      ({ code, answer }) => code === "ok" && Number(answer.k) >= edition,
    );
    site.schema.saw(Number(answer.k));
  }

  async function breakIt(): Promise<void> {
    const text = schemaText(editions.nextBroken());
    const ways = [text.replace("message Order", "message Ordre"), text.replace("= 60;", "= ;"), "", text.slice(0, 120)];
    await write(file, random.pick(ways), random);
    await pause(0, 500);
    await mend();
  }

  async function breakTheImported(): Promise<void> {
    const edition = editions.latest;
    await write(imported, random.pick(["", "message {", extraText(edition).replace("Extra", "Other")]), random);
    await pause(0, 500);
    await write(imported, extraText(edition), random);
    await mend();
  }

  async function remove(which: string): Promise<void> {
    const bringBack = await takeAway(which, random);
    await pause(0, 500);
    await bringBack();
    await mend();
  }

  return {
    edit: { weight: 2, edit: mend },
    break: { weight: 2, edit: breakIt },
    "break what it imports": { weight: 1, edit: breakTheImported },
    remove: { weight: 1, edit: () => remove(random.pick([file, imported])) },
  };
}
