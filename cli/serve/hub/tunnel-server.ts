// Where the tunnel's front door leads agents and clients that forward ports. It has ended TLS, and says in headers that
// nobody else can write what it knows of the connection.
import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { limits } from "#contract/limits.ts";
import { hubName } from "#contract/tunnel/target.ts";
import type { Verdict } from "#hub/door-verdict.ts";
import type { HubRuntime } from "#hub/hub-runtime.ts";
import { parsedJson } from "#hub/hub-runtime.ts";
import type { PeerSocket } from "#hub/peer-socket.ts";
import { authorityOf, judgeArrival } from "#hub/tunnel-door.ts";
import { cfBlobHeader, schemeHeader } from "../workerd-config.ts";
import { sendJson, trustedServer } from "./gateway-server.ts";
import type { Hubs } from "./hubs.ts";
import { Upgrader } from "./peer-socket.ts";

const upgrader = new Upgrader(limits.tunnelMessageBytes);

export function tunnelServer(hubs: Hubs, runtime: HubRuntime): Server {
  const server = createServer(trustedServer, (request, response) => {
    response.on("error", () => response.destroy());
    void judge(request, runtime, false).then(
      (verdict) => answer(response, verdict),
      () => response.destroy(),
    );
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, early: Buffer) => {
    const ignore = (): void => void socket.destroy();
    socket.on("error", ignore);
    void judge(request, runtime, isWebSocket(request)).then(
      (verdict) => {
        socket.off("error", ignore);
        arrive(hubs, verdict, request, () => upgrader.accept(request, socket, early), socket);
      },
      () => socket.destroy(),
    );
  });
  return server;
}

function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

function judge(request: IncomingMessage, runtime: HubRuntime, isUpgrade: boolean): Promise<Verdict> {
  const { method = "GET", headers } = request;
  const facts = parsedJson(String(headers[cfBlobHeader] ?? "null")) as { clientIp?: unknown } | null;
  return judgeArrival(
    {
      method,
      url: urlOf(request),
      isUpgrade,
      authorization: headers.authorization,
      client: typeof facts?.clientIp === "string" ? facts.clientIp : "unknown",
      facts,
      text: (limitBytes) => readText(request, limitBytes),
    },
    runtime,
  );
}

/** One that has no such thing as a path stands for the root, where nobody is. */
function urlOf({ url = "/", headers }: IncomingMessage): URL {
  const origin = `${String(headers[schemeHeader] ?? "https")}://${headers.host ?? "edge"}`;
  const target = `${origin}${url.startsWith("/") ? url : "/"}`;
  return URL.canParse(target) ? new URL(target) : new URL("https://edge/");
}

function arrive(
  hubs: Hubs,
  verdict: Verdict,
  request: IncomingMessage,
  accept: () => PeerSocket,
  socket: Duplex,
): void {
  if (verdict.type === "answer") return answer(responseOn(request, socket), verdict);
  const { target } = verdict;
  const hub = hubs.named(hubName(target));
  const url = urlOf(request);
  try {
    const refused =
      verdict.type === "forwarder"
        ? hub.forward(target, verdict.forwarder, accept)
        : hub.connect(
            {
              target,
              authority: authorityOf(url),
              path: url.pathname,
              transportCertificate: verdict.transportCertificate,
            },
            accept,
          );
    if (refused) sendJson(responseOn(request, socket), refused.status, refused.error);
  } catch {
    // No handshake, or nobody is there any more.
    socket.destroy();
  }
}

function answer(response: ServerResponse, verdict: Verdict): void {
  // A WebSocket is what everything else ends in.
  if (verdict.type === "answer") sendJson(response, verdict.status, verdict.text);
  else response.destroy();
}

function responseOn(request: IncomingMessage, socket: Duplex): ServerResponse {
  const response = new ServerResponse(request);
  response.shouldKeepAlive = false;
  response.on("error", () => socket.destroy());
  socket.on("error", () => socket.destroy());
  response.assignSocket(socket as IncomingMessage["socket"]);
  response.once("finish", () => socket.end());
  return response;
}

async function readText(request: IncomingMessage, limitBytes: number): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let totalBytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    totalBytes += chunk.length;
    if (totalBytes > limitBytes) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
