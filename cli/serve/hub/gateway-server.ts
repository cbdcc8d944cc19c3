// Where gateways ask a hub's process for streams, the region exchanges with its hubs, and the supervisor asks all of them at
// once. On a Unix socket that only the supervisor's own processes can open.
import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { hubCalls, hubEndSchema } from "#contract/hub-call.ts";
import { internalHeaders } from "#contract/internal-headers.ts";
import { limits } from "#contract/limits.ts";
import { parseObjectPath } from "#contract/object-path.ts";
import { awakeDelay } from "#hub/awake-delay.ts";
import type { Hub } from "#hub/hub.ts";
import { parsedJson } from "#hub/hub-runtime.ts";
import { GatewayCall, type UpgradeParts } from "./gateway-call.ts";
import type { FrontDoors } from "./front-doors.ts";
import type { Hubs } from "./hubs.ts";
import { Upgrader } from "./peer-socket.ts";

/** A gateway has its own limits and patience, and keeps its connections: the other end must not close one as it is used. */
export const trustedServer = {
  keepAliveTimeout: 0,
  headersTimeout: 0,
  requestTimeout: 0,
  requireHostHeader: false,
  // The tunnel's own bound is what counts.
  maxHeaderSize: 4 * limits.headBytes,
} as const;

const upgrader = new Upgrader(limits.webSocketMessageBytes);

export function gatewayServer(hubs: Hubs, doors: FrontDoors): Server {
  const begun = new Set<ServerResponse>();
  const answer = (request: IncomingMessage, response: ServerResponse, upgrade?: UpgradeParts): void => {
    // A WebSocket's has no end that could be waited for, and its connection never carries a second request.
    if (!upgrade) begun.add(response);
    response.once("close", () => begun.delete(response));
    response.sendDate = false;
    response.on("error", () => response.destroy());
    if (hubs.ending) response.shouldKeepAlive = false;
    const hub = hubOf(hubs, request);
    if (request.headers[internalHeaders.operation] !== "stream") {
      void answerCall({ hubs, hub, begun }, request, response);
    } else if (hub) {
      void hub.request(new GatewayCall(request, response, doors, upgrade));
    } else {
      sendJson(response, 404, { code: "not_found", message: "no such hub" });
    }
  };
  const server = createServer(trustedServer, answer);
  // The endpoint answers it, if anybody does.
  server.on("checkContinue", answer).on("checkExpectation", answer);
  server.on("upgrade", (request: IncomingMessage, socket, early: Buffer) => {
    const response = new ServerResponse(request);
    response.assignSocket(socket as IncomingMessage["socket"]);
    response.shouldKeepAlive = false;
    response.once("finish", () => socket.end());
    socket.on("error", () => socket.destroy());
    answer(request, response, { socket, early, upgrader });
  });
  return server;
}

function hubOf(hubs: Hubs, { headers, url = "/" }: IncomingMessage): Hub | undefined {
  const named = headers[internalHeaders.object];
  const target = parseObjectPath(typeof named === "string" ? named : url.slice(1));
  return target?.className === "TunnelHub" ? hubs.named(target.name) : undefined;
}

/**
 * An answer whose head went before the end was decided leaves its connection to the gateway for the next request: it may not
 * end after all others, when agents are about to go.
 */
async function cutLate(begun: ReadonlySet<ServerResponse>, timeoutMs: number): Promise<void> {
  const keeping = [...begun].filter(({ headersSent }) => headersSent);
  await awakeDelay(timeoutMs);
  for (const response of keeping) if (!response.writableFinished) response.destroy();
}

interface Asked {
  readonly hubs: Hubs;
  readonly hub: Hub | undefined;
  readonly begun: ReadonlySet<ServerResponse>;
}

/** Never rejects. */
async function answerCall(
  { hubs, hub, begun }: Asked,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url ?? "/";
  const call = Object.values(hubCalls).find((known) => known === path);
  try {
    const body = parsedJson(await text(request));
    if (call === hubCalls.end) void cutLate(begun, hubEndSchema.parse(body).timeoutMs);
    if (call) return sendJson(response, 200, hubs.obey(call, body));
    if (!hub || !path.endsWith("/push"))
      return sendJson(response, 404, { code: "not_found", message: "a hub answers /push" });
    const report = await hub.exchange(body);
    if (report) sendJson(response, 200, report);
    else sendJson(response, 400, { code: "push_invalid", message: "this is no exchange" });
  } catch (error) {
    sendJson(response, 400, { code: "call_invalid", message: String(error) });
  }
}

export function sendJson(response: ServerResponse, status: number, content: object | string): void {
  if (response.destroyed || response.headersSent) return;
  const body = Buffer.from(typeof content === "string" ? content : JSON.stringify(content));
  response.writeHead(status, { "content-type": "application/json", "content-length": body.length }).end(body);
}
