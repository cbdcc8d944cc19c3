// `cookie` of a haproxy.cfg through `isthmus serve`, beside the real HAProxy: which server a request goes to, what that sees of
// the client's cookies, and which ones the client gets.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type BesideHaproxy, startBesideHaproxy, httpDefaults } from "./system/beside-haproxy.ts";
import { type Echo, type EchoServer, startEchoServer } from "./system/echo-server.ts";
import { haproxyMissing } from "./system/haproxy.ts";
import { ask } from "./system/http.ts";
import { freePorts } from "./system/process.ts";

/** What stands behind `cookie`, by the port that it is compared on. */
const cookies = {
  insert: "SRV insert",
  hidden: "SRV insert indirect nocache domain .example.com httponly secure",
  attributes: "SRV insert domain a.example domain b.example attr SameSite=Lax attr Priority=High",
  posted: "SRV insert postonly",
  preserved: "SRV insert preserve indirect",
  rewritten: "SRV rewrite",
  prefixed: "SRV prefix",
  hiddenPrefix: "SRV prefix indirect",
  passive: "SRV indirect",
  aging: "SRV insert indirect maxidle 30m maxlife 8h",
  idle: "SRV insert maxidle 1h",
  living: "SRV insert maxlife 1h",
  dynamic: "SRV insert dynamic",
} as const;
type Port = keyof typeof cookies;
const ports = Object.keys(cookies) as Port[];

interface Sent {
  readonly cookie?: string;
  /** Of the server. */
  readonly sets?: string;
  readonly method?: string;
}

const requests: readonly (readonly [what: string, ports: readonly Port[], request: Sent])[] = [
  ["without a cookie", ports, {}],
  ["POST without a cookie", ["posted", "insert"], { method: "POST" }],
  ["bound to a server", ports, { cookie: "SRV=v-two" }],
  ["among other cookies", ports, { cookie: "a=1; SRV=v-two; b=2" }],
  ["several of the name", ports, { cookie: "SRV=nobody; SRV=v-two; c=3" }],
  ["bound to nobody", ports, { cookie: "SRV=nobody" }],
  ["an empty one", ports, { cookie: "SRV=; a=1" }],
  ["a name that only begins alike", ports, { cookie: "SRVX=v-two; XSRV=v-two" }],
  ["bound to a server without a cookie of its own", ports, { cookie: "SRV=bare" }],
  ["bound to a server that cannot be reached", ports, { cookie: "SRV=v-dead" }],
  ["prefixed", ports, { cookie: "SRV=v-two~own; a=1" }],
  ["prefixed by nobody", ports, { cookie: "SRV=nobody~own~er" }],
  ["the server sets it", ports, { sets: "SRV=own; Path=/app; HttpOnly" }],
  ["the server sets it anew", ports, { cookie: "SRV=v-two", sets: "SRV=own" }],
  ["the server sets another", ports, { cookie: "SRV=v-two", sets: "other=1; Path=/" }],
  ["the server sets it with spaces", ["rewritten", "prefixed", "insert"], { sets: "SRV = own ; Path=/" }],
  ["with dates of long ago", ports, { cookie: "SRV=v-two|AAAAB|AAAAB" }],
  ["with a last date of long ago", ["aging", "idle", "living"], { cookie: "SRV=v-two|AAAAB" }],
  ["with dates far in the future", ["aging", "idle", "living"], { cookie: "SRV=v-two|fAAAA|fAAAA" }],
  ["with dates that are none", ["aging", "idle", "living"], { cookie: "SRV=v-two|!!!!!|x" }],
];

describe.skipIf(haproxyMissing() !== undefined)("session cookies", () => {
  const servers: EchoServer[] = [];
  let running: BesideHaproxy<Port>;

  beforeAll(async () => {
    for (const name of ["one", "two"]) {
      servers.push(
        await startEchoServer(name, ({ headers }, response) => {
          const sets = headers["x-sets"];
          // Without it HAProxy takes the answer for one that no cache keeps anyway.
          response.setHeader("etag", '"1"');
          if (sets !== undefined) response.setHeader("set-cookie", sets);
          return false;
        }),
      );
    }
    const [dead] = await freePorts(1);
    const [one, two] = servers.map(({ port }) => port);
    const listen = (name: Port, port: number): string => `
listen ${name}
  bind 127.0.0.1:${port}
  cookie ${cookies[name]}
  server one 127.0.0.1:${one}${name === "dynamic" ? "" : " cookie v-one"}
  server two 127.0.0.1:${two} cookie v-two
  server dead 127.0.0.1:${dead} weight 0 cookie v-dead
`;
    running = await startBesideHaproxy({
      ports,
      config: (own) => `
${httpDefaults}  retries 1
  option redispatch 1
  dynamic-cookie-key secret
${ports.map((name) => listen(name, own[name])).join("")}`,
    });
  });
  afterAll(async () => {
    await running?.stop();
    await Promise.all(servers.map((server) => server.stop()));
  });

  /** Everything that depends on whose turn it was, and when, left out. */
  const general = (text: string): string =>
    text.replaceAll(/v-(?:one|two)|\b[0-9a-f]{16}\b/g, "v-*").replaceAll(/\|[A-Za-z0-9+/]{5}/g, "|date");

  /** Of two servers in turn, three requests meet both. */
  const rounds = 3;

  const seen = async (port: number, { cookie, sets, method = "GET" }: Sent) => {
    const answeredBy = new Set<string>();
    const answers = new Set<string>();
    for (let round = 0; round < rounds; round += 1) {
      const { status, headers, body } = await ask({
        port,
        host: "a.test",
        method,
        headers: { ...(cookie !== undefined && { cookie }), ...(sets !== undefined && { "x-sets": sets }) },
      });
      const { name, headers: shown } = JSON.parse(body) as Echo;
      answeredBy.add(name);
      const set = headers["set-cookie"]?.map(general);
      answers.add(JSON.stringify({ status, shown: shown.cookie, set, cache: headers["cache-control"] }));
    }
    return { answeredBy: [...answeredBy].sort(), answers: [...answers].sort() };
  };

  test.each(requests)("%s", async (_, names, sent) => {
    const compare = async (name: Port): Promise<void> => {
      const [ours, theirs] = [await seen(running.ours[name], sent), await seen(running.theirs[name], sent)];
      expect({ name, ...ours }).toEqual({ name, ...theirs });
    };
    await Promise.all(names.map(compare));
  });

  test("who is given a cookie stays with its server", async () => {
    for (const name of ports.filter((one) => cookies[one].includes("insert") && one !== "posted")) {
      for (const { [name]: port } of [running.ours, running.theirs]) {
        const first = await ask({ port, host: "a.test" });
        const cookie = first.headers["set-cookie"]![0]!.split(";", 1)[0]!;
        for (let round = 0; round < 3; round += 1) {
          const again = await ask({ port, host: "a.test", headers: { cookie } });
          expect([name, again.headers["x-served-by"]]).toEqual([name, first.headers["x-served-by"]]);
        }
      }
    }
  });

  test("a cookie of one is good for the other", async () => {
    for (const name of ["dynamic", "aging"] as const) {
      for (const [from, to] of [
        [running.ours, running.theirs],
        [running.theirs, running.ours],
      ] as const) {
        for (let round = 0; round < 4; round += 1) {
          const first = await ask({ port: from[name], host: "a.test" });
          const cookie = first.headers["set-cookie"]![0]!.split(";", 1)[0]!;
          const again = await ask({ port: to[name], host: "a.test", headers: { cookie } });
          expect(again.headers["x-served-by"]).toBe(first.headers["x-served-by"]);
        }
      }
    }
  });
});
