import { expect, test } from "vitest";
import type { Env } from "./env.ts";
import { objectFetch } from "./objects.ts";

test("through STATE the request keeps its URL, and a forged object header is overwritten", async () => {
  let seen: Request | undefined;
  const STATE = {
    fetch: (request: Request) => {
      seen = request;
      return Promise.resolve(new Response("ok"));
    },
  };
  const request = new Request("http://a.example/x", { headers: { "isthmus-object": "RegionState/other" } });
  await objectFetch({ STATE } as unknown as Env, "RegionState", "local", request);
  expect(seen!.url).toBe("http://a.example/x");
  expect(seen!.headers.get("isthmus-object")).toBe("RegionState/local");
});

test("a hub of another process is reached by its shard", async () => {
  const asked: string[] = [];
  const service = (name: string): unknown => ({
    fetch: (request: Request) => {
      asked.push(`${name} ${request.headers.get("isthmus-object")}`);
      return Promise.resolve(new Response("ok"));
    },
  });
  const env = { "hub:0": service("hub:0"), "hub:1": service("hub:1") } as unknown as Env;
  for (const hub of ["prod:0", "team:a:1"]) await objectFetch(env, "TunnelHub", hub, new Request("http://a"));
  expect(asked).toEqual(["hub:0 TunnelHub/prod:0", "hub:1 TunnelHub/team:a:1"]);
});
