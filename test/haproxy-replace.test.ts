// `replace-header` and `replace-value` of haproxy.cfg beside real HAProxy, on requests and on responses.
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBesideHaproxy, type BesideHaproxy, httpDefaults } from "./system/beside-haproxy.ts";
import { startEchoServer, type Echo, type EchoServer } from "./system/echo-server.ts";
import { haproxyMissing } from "./system/haproxy.ts";

let origin: EchoServer;
let beside: BesideHaproxy<"web">;

/** What the server says besides its echo, by path. */
const responses: Readonly<Record<string, Readonly<Record<string, string | string[]>>>> = {
  "/cookies": { "set-cookie": ["a=1, 2; Path=/", "b=2"], location: "http://kept.test/" },
  "/list": { "x-list": 'old, "old, old" ,older', "x-whole": "an old, worn text" },
  "/server": { "x-server": "theirs" },
  "/none": {},
};

beforeAll(async () => {
  origin = await startEchoServer("origin", ({ url = "" }, response) => {
    const [path = ""] = url.split("?");
    for (const [name, value] of Object.entries(responses[path] ?? {})) response.setHeader(name, value);
    if (path === "/moved") response.writeHead(302, { location: "http://new.test/x" }).end();
    return path === "/moved";
  });
  beside = await startBesideHaproxy({
    ports: ["web"],
    config: ({ web }) => `
${httpDefaults}frontend web
  bind 127.0.0.1:${web}
  http-request replace-value X-Groups ^team-(.*)$ \\1
  http-request replace-value X-Groups old new if { path_beg /list }
  http-response replace-header Set-Cookie '^(.*)$' '\\1; Secure'
  http-response replace-header Location ^http://(.*)$ https://\\1 if { status 300:399 }
  http-response replace-value X-List ^old$ new
  http-response replace-header X-Whole old new
  http-response set-header X-Server web-1
  http-response replace-header X-Server ^web-(.*)$ \\1
  default_backend site
backend site
  server s1 127.0.0.1:${origin.port}
`,
  });
});
afterAll(async () => {
  await beside?.stop();
  await origin?.stop();
});

interface Seen {
  readonly groups: unknown;
  readonly fields: Readonly<Record<string, unknown>>;
}

async function ask(port: number, path: string, groups: string): Promise<Seen> {
  const asking = request({ port, path, headers: { host: "a.test", "x-groups": groups }, agent: false }).end();
  const [response] = (await once(asking, "response")) as [IncomingMessage];
  let body = "";
  for await (const chunk of response.setEncoding("utf8")) body += chunk;
  const { headers } = response;
  return {
    groups: body === "" ? undefined : (JSON.parse(body) as Echo).headers["x-groups"],
    fields: {
      status: response.statusCode,
      cookies: headers["set-cookie"],
      location: headers.location,
      // White space around commas says nothing.
      list: (headers["x-list"] as string | undefined)?.replaceAll(/ *, */g, ", "),
      whole: headers["x-whole"],
      server: headers["x-server"],
    },
  };
}

test.each([
  ["/cookies", "team-a, b,team-c"],
  ["/list", "very old, team-a"],
  ["/server", "a"],
  ["/none", "team-"],
  ["/moved", "a"],
])("%s, groups %s", async (path, groups) => {
  const ours = await ask(beside.ours.web, path, groups);
  expect(ours.fields["server"]).toBe("1");
  if (path === "/cookies") expect(ours.fields["cookies"]).toEqual(["a=1, 2; Path=/; Secure", "b=2; Secure"]);
  if (path === "/moved") expect(ours.fields["location"]).toBe("https://new.test/x");
  if (haproxyMissing() !== undefined) return;
  const theirs = await ask(beside.theirs.web, path, groups);
  const listOf = ({ groups: seen }: Seen): unknown => String(seen).split(/ *, */);
  expect(ours.fields).toEqual(theirs.fields);
  expect(listOf(ours)).toEqual(listOf(theirs));
});
