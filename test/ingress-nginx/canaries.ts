// `test/e2e` of ingress-nginx, `annotations`: canaries by header, cookie and weight, and with sessions.
import { expect } from "vitest";
import type { Send } from "../ingress-annotations/row.ts";
import type { Answer } from "../system/http.ts";
import { upstreamFile, type Seen, type State, type Texts, type UpstreamFile } from "./upstream-test.ts";

const main: Seen = { headers: { "x-served-by": "httpbun" } };
const canary: Seen = { headers: { "x-served-by": "httpbun-canary" } };
const asking = (seen: Seen, headers: Record<string, string>): Seen => ({
  ...seen,
  ask: { path: "/info", headers },
});

/** The main Ingress and its canary. */
function split(annotations: Texts, see: readonly Seen[], more: Partial<State> = {}): State {
  return {
    host: "foo",
    ingresses: [
      { service: "httpbun", paths: ["/info"] },
      {
        name: "canary",
        service: "httpbun-canary",
        paths: ["/info"],
        annotations: { canary: "true", ...annotations },
      },
    ],
    see: see.map((seen) => ({ ...seen, ask: { path: "/info", ...seen.ask } })),
    ...more,
  };
}

const byHeader = { "canary-by-header": "CanaryByHeader" };
const header = (value: string, seen: Seen, name = "CanaryByHeader"): Seen => asking(seen, { [name]: value });
const cookie = (value: string, seen: Seen): Seen => asking(seen, { cookie: `Canary-By-Cookie=${value}` });
const both = split(byHeader, [header("never", main), header("always", canary)]);

/** 200 requests; each of both gets at least 40 % of them. */
async function expectHalves(send: Send): Promise<void> {
  const counts = new Map<string, number>();
  for (let asked = 0; asked < 200; asked += 20) {
    for (const { headers } of await Promise.all(Array.from({ length: 20 }, () => send({ path: "/info" })))) {
      const by = String(headers["x-served-by"]);
      counts.set(by, (counts.get(by) ?? 0) + 1);
    }
  }
  expect([...counts.keys()].sort()).toEqual(["httpbun", "httpbun-canary"]);
  // The suite wants 80 of each at least, which fair halves miss once in 500 runs.
  for (const count of counts.values()) expect(count).toBeGreaterThan(50);
}

const bound = { affinity: "cookie", "session-cookie-name": "aff" };

/** The main Ingress binds clients; the canary is forced by a header. */
function boundSplit(annotations: Texts, observe: (send: Send, first: Answer) => Promise<void>): State {
  const state = split(
    { "canary-by-header": "ForceCanary", "canary-by-header-value": "yes", ...annotations },
    [],
  );
  const [first, second] = state.ingresses;
  return {
    ...state,
    ingresses: [{ ...first, annotations: bound }, second!],
    observe: async (send) => {
      const forced = await send({ path: "/info", headers: { ForceCanary: "yes" } });
      expect(forced.headers["x-served-by"]).toBe("httpbun-canary");
      await observe(send, forced);
    },
  };
}

const stays = async (send: Send, { headers }: Answer): Promise<void> => {
  const session = String(headers["set-cookie"]).split(";")[0]!;
  for (let index = 0; index < 50; index += 1) {
    const answer = await send({ path: "/info", headers: { cookie: session } });
    expect(answer.headers["x-served-by"]).toBe("httpbun-canary");
  }
};

const canaries = upstreamFile("annotations/canary.go", {
  "when canary is created: should response with a 200 status from the mainline upstream when requests are made to the mainline ingress":
    split(byHeader, [main]),
  "when canary is created: should return 404 status for requests to the canary if no matching ingress is found":
    {
      host: "foo",
      ingresses: [
        { service: "httpbun-canary", paths: ["/info"], annotations: { canary: "true", ...byHeader } },
      ],
      says: "the canary gets no requests",
      see: [header("always", { status: 404 })],
    },
  "when canary is created: should route requests to the correct upstream if mainline ingress is created before the canary ingress":
    both,
  "when canary is created: should route requests to the correct upstream if mainline ingress is created after the canary ingress":
    { ...both, ingresses: [{ ...both.ingresses[1]!, name: "aa-first" }, both.ingresses[0]!] },
  "when canary is created: should route requests to the correct upstream if the mainline ingress is modified":
    both,
  "when canary is created: should route requests to the correct upstream if the canary ingress is modified": [
    both,
    split({ "canary-by-header": "CanaryByHeader2" }, [
      header("never", main, "CanaryByHeader2"),
      header("always", canary, "CanaryByHeader2"),
    ]),
  ],
  "when canaried by header with no value: should route requests to the correct upstream": split(byHeader, [
    header("always", canary),
    header("never", main),
    header("badheadervalue", main),
  ]),
  "when canaried by header with value: should route requests to the correct upstream": split(
    { ...byHeader, "canary-by-header-value": "DoCanary" },
    [
      header("DoCanary", canary),
      header("always", main),
      header("never", main),
      header("otherheadervalue", main),
    ],
  ),
  "when canaried by header with value and pattern: should route requests to the correct upstream": [
    split({ ...byHeader, "canary-by-header-pattern": "^Do[A-Z][a-z]+y$" }, [
      header("DoCanary", canary),
      header("Docanary", main),
    ]),
    split(
      {
        ...byHeader,
        "canary-by-header-value": "DoCanary",
        "canary-by-header-pattern": "^Do[A-Z][a-z]+y$",
      },
      [header("DoCananry", main)],
    ),
  ],
  "when canaried by header with value and pattern: should routes to mainline upstream when the given Regex causes error":
    split(
      {
        ...byHeader,
        "canary-by-header-pattern": "[][**da?$&*",
        "canary-by-cookie": "CanaryByCookie",
      },
      [asking(main, { CanaryByHeader: "DoCanary", cookie: "CanaryByCookie=always" })],
      { says: "canary-by-header-pattern" },
    ),
  "when canaried by header with value and cookie: should route requests to the correct upstream": split(
    { ...byHeader, "canary-by-header-value": "DoCanary", "canary-by-cookie": "CanaryByCookie" },
    [asking(canary, { CanaryByHeader: "otherheadervalue", cookie: "CanaryByCookie=always" })],
  ),
  "when canaried by cookie: respects always and never values": split(
    { "canary-by-cookie": "Canary-By-Cookie" },
    [cookie("always", canary), cookie("never", main), cookie("badcookievalue", main)],
  ),
  "when canaried by weight: should route requests only to mainline if canary weight is 0": split(
    { "canary-weight": "0" },
    [main],
  ),
  "when canaried by weight: should route requests only to canary if canary weight is 100": split(
    { "canary-weight": "100" },
    [canary],
  ),
  "when canaried by weight: should route requests only to canary if canary weight is equal to canary weight total":
    split({ "canary-weight": "1000", "canary-weight-total": "1000" }, [canary]),
  "when canaried by weight: should route requests split between mainline and canary if canary weight is 50":
    split({ "canary-weight": "50" }, [], { observe: expectHalves }),
  "when canaried by weight: should route requests split between mainline and canary if canary weight is 100 and weight total is 200":
    split({ "canary-weight": "100", "canary-weight-total": "200" }, [], { observe: expectHalves }),
  "Single canary Ingress: should not use canary as a catch-all server": {
    host: "",
    ingresses: [
      {
        name: "canary",
        paths: [],
        defaultBackend: "httpbun-canary",
        annotations: { canary: "true", ...byHeader },
      },
      { paths: [], defaultBackend: "httpbun" },
    ],
    see: [{ ...main, ask: { host: "any.example" } }],
  },
  "Single canary Ingress: should not use canary with domain as a server": {
    host: "foo",
    ingresses: [
      {
        name: "canary",
        service: "httpbun-canary",
        paths: ["/info"],
        annotations: { canary: "true", ...byHeader },
      },
      { host: "bar", service: "httpbun", paths: ["/info"] },
    ],
    see: [
      { ...main, ask: { host: "bar", path: "/info" } },
      { status: 404, ask: { path: "/info" } },
    ],
  },
  "Single canary Ingress: does not crash when canary ingress has multiple paths to the same non-matching backend":
    {
      host: "foo",
      ingresses: [
        {
          name: "canary",
          service: "httpy-svc-canary",
          paths: ["/foo", "/bar"],
          annotations: { canary: "true", ...byHeader },
        },
        { service: "httpbun", paths: ["/info"] },
      ],
      missing: ["httpy-svc-canary"],
      see: [{ ...main, ask: { path: "/info" } }],
    },
  "canary affinity behavior: always routes traffic to canary if first request was affinitized to canary (default behavior)":
    boundSplit({ "canary-weight": "1" }, stays),
  "canary affinity behavior: always routes traffic to canary if first request was affinitized to canary (explicit sticky behavior)":
    boundSplit({ "canary-weight": "1", "affinity-canary-behavior": "sticky" }, stays),
  "canary affinity behavior: routes traffic to either mainline or canary backend (legacy behavior)":
    boundSplit({ "canary-weight": "50", "affinity-canary-behavior": "legacy" }, async (send, { headers }) => {
      expect(headers["set-cookie"]).toBeUndefined();
      await expectHalves(send);
    }),
});

export const canariesFiles: readonly UpstreamFile[] = [canaries];
