import type { LookupAddress } from "node:dns";
import type { LookupFunction } from "node:net";
import { expect, test } from "vitest";
import { createDialPolicy } from "./dial-policy.ts";

test.each([
  // rules, address, port, permitted
  [["10.0.0.0/8"], "10.1.2.3", 80, true],
  [["10.0.0.0/8"], "11.0.0.1", 80, false],
  [["10.0.0.0/8:8080"], "10.1.2.3", 8080, true],
  [["10.0.0.0/8:8080"], "10.1.2.3", 8081, false],
  [["10.0.2.10:8080"], "10.0.2.10", 8080, true],
  [["10.0.2.10:8080"], "10.0.2.11", 8080, false],
  [["10.0.2.10"], "10.0.2.10", 1, true],
  [["0.0.0.0/0"], "203.0.113.7", 443, true],
  [["0.0.0.0/0"], "fd00::1", 443, false],
  [["fd00::/8"], "fd12::1", 80, true],
  [["fd00::/8"], "fe00::1", 80, false],
  [["[fd00::/8]:8080"], "fd12::1", 8080, true],
  [["[fd00::/8]:8080"], "fd12::1", 80, false],
  [["[fd00::1]:8080"], "fd00::1", 8080, true],
  [["::1"], "::1", 80, true],
  [["::/0"], "::1", 80, true],
  // An IPv4 address in IPv6 clothes is still that IPv4 address.
  [["10.0.0.0/8"], "::ffff:10.1.2.3", 80, true],
  [["10.0.0.0/8"], "::ffff:11.1.2.3", 80, false],
  [["fe80::/10"], "fe80::1%lo", 80, false],
  [["10.0.0.0/8", "192.168.0.0/16:80"], "192.168.1.1", 80, true],
  [["10.0.0.0/8"], "pod.example", 80, false],
])("%j permits %s port %d: %s", (rules, address, port, permitted) => {
  expect(createDialPolicy(rules).permits(address, port)).toBe(permitted);
});

test.each([
  "",
  "pods.example",
  "pods.example:80",
  "10.0.0.0/33",
  "10.0.0.0/",
  "10.0.0.0/8/8",
  "10.0.0.0/8:0",
  "10.0.0.0/8:65536",
  "10.0.0.0/8:http",
  "10.0.0.0/-1",
  "fd00::/129",
  "[fd00::/8]8080",
  "[fd00::/8]:",
  "fe80::1%lo",
])("allow rule %j is refused with the accepted forms", (rule) => {
  expect(() => createDialPolicy([rule])).toThrow(
    expect.objectContaining({ code: "options_invalid", remedy: expect.stringContaining("[fd00::/8]:8080") }),
  );
});

function lookUp(lookup: LookupFunction, all: boolean) {
  return new Promise<string | LookupAddress[]>((resolve, reject) => {
    lookup("pod.example", { all }, (error, address) => (error ? reject(error) : resolve(address)));
  });
}

const answers = (addresses: LookupAddress[]) =>
  createDialPolicy(["10.0.0.0/8:8080"], (_hostname, callback) => callback(null, addresses)).lookupFor(8080);

test("a host name yields only its permitted addresses", async () => {
  const lookup = answers([
    { address: "169.254.169.254", family: 4 },
    { address: "10.0.0.7", family: 4 },
  ]);
  expect(await lookUp(lookup, true)).toEqual([{ address: "10.0.0.7", family: 4 }]);
  expect(await lookUp(lookup, false)).toBe("10.0.0.7");
});

test("a host name that resolves outside the allow list is refused by name and address", async () => {
  await expect(lookUp(answers([{ address: "127.0.0.1", family: 4 }]), true)).rejects.toMatchObject({
    code: "dial_refused",
    message: "pod.example:8080 (127.0.0.1) is not in the agent's allow list",
  });
});

test("a name is judged anew at each connect: rebinding gains nothing", async () => {
  const rebinding: LookupAddress[][] = [
    [{ address: "10.0.0.7", family: 4 }],
    [{ address: "127.0.0.1", family: 4 }],
  ];
  const policy = createDialPolicy(["10.0.0.0/8"], (_hostname, callback) =>
    callback(null, rebinding.shift()!),
  );
  expect(await lookUp(policy.lookupFor(80), false)).toBe("10.0.0.7");
  await expect(lookUp(policy.lookupFor(80), false)).rejects.toMatchObject({ code: "dial_refused" });
});
