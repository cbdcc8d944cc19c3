// Hubs and agents of different versions: what both speak is spoken, and where there is nothing the log says so.
import { expect, test } from "vitest";
import type { Challenge } from "#contract/tunnel/handshake.ts";
import { handshakeMessage, parseHandshakeMessage } from "#traffic/tunnel/handshake-message.ts";
import { configured, createFixture, podConfig, podKey } from "./testing/agent-fixture.ts";
import { exchange, openHead, text } from "./testing/exchange.ts";
import { startPod } from "./testing/pod.ts";

/** A hub that speaks these versions, and says what this agent does not know. */
const challengeOf =
  (minVersion: number, maxVersion: number) =>
  (own: Uint8Array): Uint8Array => {
    const challenge = JSON.parse(parseHandshakeMessage(own).json) as Challenge;
    const newer = { ...challenge, minVersion, maxVersion, compression: ["zstd"] };
    return handshakeMessage("challenge", newer);
  };

test("a newer hub that still speaks this agent's version is served in it", async () => {
  const pod = await startPod((_request, response) => response.end("hello"));
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ config: podConfig([pod.port]), challenge: challengeOf(1, 9) });
  await fixture.startAgent(edge);
  const { session } = await configured(edge);
  const { body } = await exchange(session, openHead(podKey(pod.port)));
  expect(await text(body)).toBe("hello");
});

test("a hub that does not is refused by name, and asked again: it may be replaced", async () => {
  const fixture = await createFixture();
  const edge = await fixture.startEdge({ challenge: challengeOf(2, 3) });
  const agent = await fixture.startAgent(edge);
  const refused = async (seen: number) =>
    agent.log.find(({ event, shard }) => event === "connection_failed" && shard === 0, seen);
  const line = await refused(0);
  expect(line).toMatchObject({ code: "edge_refused" });
  expect(line["reason"]).toContain("versions 2 to 3 of the protocol, this agent 1 to 1");
  await refused(agent.log.entries.indexOf(line) + 1);
  expect(edge.serving()).toEqual([]);
});
