/** Hosts of the built package, on free ports, stopped when their test ends. */
import { onTestFinished } from "vitest";
import { type ConfigInput, createHost, type HandlerFunction } from "zmqecho";

type EndpointInput = NonNullable<ConfigInput["endpoints"]>[string];

/** A host with one endpoint, and that endpoint's address; bound to a free port unless told otherwise. */
export async function serve(
  endpoint: Omit<EndpointInput, "bind">,
  handlers: Record<string, HandlerFunction> = {},
  codecs: NonNullable<ConfigInput["codecs"]> = {},
): Promise<string> {
  const place = endpoint.connect === undefined ? { bind: "tcp://127.0.0.1:*" } : {};
  const host = createHost(
    { plugins: [], watch: false, log: { level: "silent" }, codecs, endpoints: { tested: { ...endpoint, ...place } } },
    { handlers },
  );
  onTestFinished(() => host.stop());
  await host.start();
  const [address] = host.addresses.get("tested") ?? [];
  if (address === undefined) throw new Error("the endpoint has no address");
  return address;
}
