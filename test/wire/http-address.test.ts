import { expect, test } from "vitest";
import { parseHttpAddress } from "../../src/wire/http-address.ts";

test.each([
  ["127.0.0.1:9464", "127.0.0.1", 9464, true],
  ["[::1]:9464", "::1", 9464, true],
  ["*:9464", "*", 9464, false],
  ["0.0.0.0:80", "0.0.0.0", 80, false],
  ["127.0.0.1:*", "127.0.0.1", 0, true],
])("%s", (text, host, port, isLoopback) => {
  expect(parseHttpAddress(text)).toEqual({ host, port, isLoopback });
});

test.each([
  ["9464", "an address is HOST:PORT, such as 127.0.0.1:9464"],
  [":9464", "an address is HOST:PORT, such as 127.0.0.1:9464"],
  ["127.0.0.1", "an address is HOST:PORT, such as 127.0.0.1:9464"],
  ["127.0.0.1:70000", '"70000" is no port; ports are 1 to 65535, or * for any free one'],
  ["127.0.0.1:9464/metrics", '"9464/metrics" is no port; ports are 1 to 65535, or * for any free one'],
  ["::1:9464", "write an IPv6 address in brackets, as in [::1]:9464"],
  ["localhost:9464", "names are not bound; write an IP address, such as 127.0.0.1:9464"],
  ["http://127.0.0.1:9464", "write host and port alone, such as 127.0.0.1:9464"],
])("%s is refused", (text, why) => {
  expect(() => parseHttpAddress(text)).toThrow(`address ${JSON.stringify(text)}: ${why}`);
});
