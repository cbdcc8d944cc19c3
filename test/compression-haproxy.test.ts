// `compression` of haproxy.cfg beside real HAProxy: the same responses are compressed, and say the same.
import { gunzipSync, inflateSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBesideHaproxy, type BesideHaproxy, httpDefaults } from "./system/beside-haproxy.ts";
import { startEchoServer, type EchoServer } from "./system/echo-server.ts";
import { answers, get, giveAnswer, type Got } from "./system/encoded-answers.ts";
import { haproxyMissing } from "./system/haproxy.ts";

const missing = haproxyMissing();
let origin: EchoServer;
let beside: BesideHaproxy<"web" | "others">;

beforeAll(async () => {
  origin = await startEchoServer("origin", giveAnswer);
  beside = await startBesideHaproxy({
    ports: ["web", "others"],
    config: ({ web, others }) => `
${httpDefaults}frontend web
  bind 127.0.0.1:${web}
  compression algo gzip
  compression type text/ application/json
  default_backend site
frontend others
  bind 127.0.0.1:${others}
  compression algo deflate gzip
  use_backend plain if { path_beg /plain }
  default_backend offloading
backend site
  server s1 127.0.0.1:${origin.port}
backend plain
  compression algo identity
  http-request replace-path /plain(.*) \\1
  server s1 127.0.0.1:${origin.port}
backend offloading
  compression offload
  server s1 127.0.0.1:${origin.port}
`,
  });
});
afterAll(async () => {
  await beside?.stop();
  await origin?.stop();
});

const asked = {
  web: ["gzip", "gzip;q=0", "br, gzip;q=0.3", "*", "identity"],
  others: ["gzip, deflate", "deflate", "deflate;q=0.2, gzip;q=0.5", "deflate, gzip;q=0.5", "br"],
} as const;

test.skipIf(missing !== undefined).each(Object.keys(answers))(
  "%s is compressed where HAProxy does so",
  async (path) => {
    for (const port of ["web", "others"] as const) {
      for (const accepts of asked[port]) {
        const [ours, theirs] = await Promise.all(
          [beside.ours[port], beside.theirs[port]].map((port) => get(path, "a.test", { accepts, port })),
        );
        const seen = [ours!, theirs!].map(({ status, fields }) => [
          status,
          fields["content-encoding"],
          fields["etag"],
        ]);
        expect([accepts, port, seen[0]]).toEqual([accepts, port, seen[1]]);
        expect(decoded(ours!)).toBe(decoded(theirs!));
      }
    }
  },
);

test.skipIf(missing !== undefined)(
  "a backend's word counts for more, and what it offloads its servers do not see",
  async () => {
    for (const { others } of [beside.ours, beside.theirs]) {
      const plain = await get("/plain/html", "a.test", { port: others });
      expect([plain.status, plain.fields["content-encoding"]]).toEqual([200, undefined]);
      const echo = await get("/echo", "a.test", { port: others });
      const { headers } = JSON.parse(decoded(echo)) as { headers: Record<string, string> };
      expect(headers["accept-encoding"]).toBeUndefined();
    }
  },
);

function decoded({ fields, body }: Got): string {
  const coding = fields["content-encoding"];
  const decode = coding === "gzip" ? gunzipSync : coding === "deflate" ? inflateSync : Buffer.from;
  return decode(body).toString();
}
