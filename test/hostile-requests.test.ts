// Smuggling, header injection and path confusion, as bytes over sockets to the running gateway, in the clear and over TLS.
// The origin shows what reached it; behind each request a second one shows whether the connection is still in step.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { headerInjectionCases } from "./cases/hostile/header-injection.ts";
import type { HostileCase } from "./cases/hostile/hostile-case.ts";
import { pathConfusionCases } from "./cases/hostile/path-confusion.ts";
import { smugglingCases } from "./cases/hostile/smuggling.ts";
import { startSystem, type System } from "./system/isthmus.ts";
import { freePorts } from "./system/process.ts";
import { sendBytes, type WireTarget } from "./system/wire-client.ts";
import { startWireOrigin, type WireOrigin, type WireRequest } from "./system/wire-origin.ts";

let origin: WireOrigin;
let system: System;
let targets: Record<"http" | "https", WireTarget>;
const reached: WireRequest[] = [];

beforeAll(async () => {
  origin = await startWireOrigin();
  const [web, secure] = (await freePorts(2)) as [number, number];
  targets = { http: { port: web }, https: { port: secure, serverName: "a.test" } };
  system = await startSystem(
    `
listeners:
  - { name: web, protocol: HTTP, port: ${web} }
  - { name: secure, protocol: HTTPS, port: ${secure} }
routes:
  - name: all
    hostnames: [a.test]
    rules:
      - matches: [{ path: { value: /admin } }]
        filters: [{ type: DirectResponse, directResponse: { statusCode: 403 } }]
      - backendRefs: [{ name: wire }]
backends:
  - name: wire
    endpoints: [{ address: 127.0.0.1, port: ${origin.port} }]
`,
    ["--dev-tls", "--processes", "1"],
  );
});
afterAll(async () => {
  await system?.stop();
  await origin?.stop();
});

let count = 0;

/** What became of the case, in the words of its table. */
async function outcomeOf(target: WireTarget, { bytes }: HostileCase): Promise<[string, WireRequest[]]> {
  count += 1;
  const here = `here${count}`;
  const next = `GET /next${count} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n`;
  const answer = await sendBytes(target, bytes.replaceAll("here", here) + next);
  const statuses = [...answer.matchAll(/HTTP\/1\.[01] ([2-5]\d\d)/g)].map(([, status]) => status!);
  const requests = origin.taken();
  reached.push(...requests);
  // The next request reaches the origin as it is, or not at all; where the answer is a refusal, perhaps later.
  const others = requests.filter(({ line, body }) => !/^GET \/next\d+$/.test(line) || body !== "");
  const seen = others.map(({ line, body }) =>
    (body === "" ? line : `${line} ${body}`).replaceAll(here, "here"),
  );
  return [[statuses[0] ?? "closed", ...(seen.length > 0 ? ["<=", ...seen] : [])].join(" "), others];
}

describe.each([
  ["smuggling", smugglingCases],
  ["header injection", headerInjectionCases],
  ["path confusion", pathConfusionCases],
])("%s", (_, cases) => {
  describe.each(["http", "https"] as const)("%s", (protocol) => {
    test.each(cases)("$title", async (hostile) => {
      const [outcome, requests] = await outcomeOf(targets[protocol], hostile);
      expect(outcome).toBe((protocol === "https" ? hostile.https : undefined) ?? hostile.http);
      for (const withheld of (requests.length > 0 && hostile.withheld) || []) {
        const [name, value] = typeof withheld === "string" ? [withheld] : withheld;
        const found = requests[0]!.headers.filter(([other]) => other === name).map(([, text]) => text);
        if (value === undefined) expect(found, name).toEqual([]);
        else expect(found.join(), name).not.toContain(value);
      }
    });
  });
});

test("whatever reached the origin has one reading only, and says who the client is", () => {
  expect(origin.ambiguous).toEqual([]);
  expect(reached.length).toBeGreaterThan(100);
  for (const { headers } of reached) {
    expect(headers.filter(([name]) => name === "x-forwarded-for")).toEqual([
      ["x-forwarded-for", "127.0.0.1"],
    ]);
  }
});
