import { once } from "node:events";
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { informationalTarget } from "#contract/informational.ts";
import { InformationalAnswers, informationalServer } from "./informational.ts";

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

/** A client whose request waits for its answer. */
async function waitingClient() {
  const arrived = Promise.withResolvers<ServerResponse>();
  const client = createServer((_request, response) => arrived.resolve(response));
  const outgoing = request({ port: await listen(client), agent: false });
  const told: [number, string | undefined][] = [];
  outgoing.on("information", (info) => told.push([info.statusCode, info.headers.link as string | undefined]));
  outgoing.end();
  const response = await arrived.promise;
  return {
    response,
    /** What it was told, once it has its answer. */
    async answered() {
      response.end("done");
      const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
      expect([answer.statusCode, await text(answer)]).toEqual([200, "done"]);
      return told;
    },
  };
}

const tokenOf = (target: string | undefined): string => informationalTarget(target ?? "")!.token;
const hint = (link: string) => ({ status: 103, fields: [["link", link]] as const });

test("they reach the request whose token they have, and nobody with another one", async () => {
  const answers = new InformationalAnswers("door-1");
  const [one, other] = [await waitingClient(), await waitingClient()];
  const expected = answers.expect("1.1", one.response)!;
  expect(expected.target).toMatch(/^door-1\//);
  const otherToken = tokenOf(answers.expect("1.1", other.response)?.target);
  expect(answers.pass(tokenOf(expected.target), hint("</one>"))).toBe(true);
  expect(answers.pass(otherToken, hint("</other>"))).toBe(true);
  expect(answers.pass(`${otherToken}0`, hint("</guessed>"))).toBe(false);
  expect(await one.answered()).toEqual([[103, "</one>"]]);
  expect(await other.answered()).toEqual([[103, "</other>"]]);
});

test("too late, for clients of HTTP/1.0, or not informational: nothing is sent", async () => {
  const answers = new InformationalAnswers("door-1");
  const client = await waitingClient();
  expect(answers.expect("1.0", client.response)).toBeUndefined();
  const { target, over } = answers.expect("1.1", client.response)!;
  for (const status of [101, 200, 99]) {
    expect(answers.pass(tokenOf(target), { status, fields: [] })).toBe(false);
  }
  over();
  expect(answers.pass(tokenOf(target), hint("</late>"))).toBe(false);
  const again = answers.expect("1.1", client.response)!;
  client.response.writeHead(200).flushHeaders();
  expect(answers.pass(tokenOf(again.target), hint("</late>"))).toBe(false);
  expect(await client.answered()).toEqual([]);
});

test("a hub hears what became of each, over its socket; a field that would begin another is refused", async () => {
  const answers = new InformationalAnswers("door-1");
  const port = await listen(informationalServer(answers));
  const client = await waitingClient();
  const token = tokenOf(answers.expect("1.1", client.response)?.target);
  const post = async (to: string, content: unknown): Promise<number | undefined> => {
    const outgoing = request({ port, method: "POST", path: `/${to}`, agent: false });
    outgoing.end(typeof content === "string" ? content : JSON.stringify(content));
    const [answer] = (await once(outgoing, "response")) as [IncomingMessage];
    answer.resume();
    return answer.statusCode;
  };
  expect(await post("nobody", hint("</a>"))).toBe(404);
  expect(await post(token, hint("</a>\r\nset-cookie: a=b"))).toBe(400);
  expect(await post(token, "{")).toBe(400);
  expect(await post(token, hint("</a>"))).toBe(204);
  expect(await client.answered()).toEqual([[103, "</a>"]]);
});
