import { beforeEach, expect, test, vi } from "vitest";
import { bindings } from "./testing/simulated-agent.ts";
import { answerAgent } from "./tunnel-door.ts";

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
});

const post = (body: string) =>
  answerAgent(new Request("https://edge.test/.well-known/isthmus/join", { method: "POST", body }), bindings);

async function refusalOf(response: Response): Promise<[number, string]> {
  return [response.status, (await response.json<{ code: string }>()).code];
}

test("only joining and tunnels are served", async () => {
  const get = (path: string) => answerAgent(new Request(`https://edge.test${path}`), bindings);
  expect(await refusalOf(await get("/"))).toEqual([404, "not_found"]);
  expect(await refusalOf(await get("/v1/status"))).toEqual([404, "not_found"]);
  expect(await refusalOf(await get("/.well-known/isthmus/join"))).toEqual([405, "method_not_allowed"]);
  expect(await refusalOf(await get("/.well-known/isthmus/tunnel?tunnel=a"))).toEqual([
    426,
    "upgrade_required",
  ]);
});

test("a join request is bounded and checked before the control sees it", async () => {
  expect(await refusalOf(await post("x".repeat(20_000)))).toEqual([413, "too_large"]);
  expect(await refusalOf(await post("not JSON"))).toEqual([400, "join_request_invalid"]);
  expect(await refusalOf(await post('{"token":"a","tunnel":"b"}'))).toEqual([400, "join_request_invalid"]);
});

test("a join request goes to the control, and its answer back", async () => {
  const response = await post(JSON.stringify({ token: "a", tunnel: "b", csrPem: "c" }));
  // The control of these tests is down.
  expect([response.status, await response.text()]).toEqual([503, "control is down"]);
});

test("a flood of join requests is cut off", async () => {
  const statuses = new Set<number>();
  for (let count = 0; count < 80; count++) statuses.add((await post("{}")).status);
  expect([...statuses]).toEqual([400, 429]);
});
