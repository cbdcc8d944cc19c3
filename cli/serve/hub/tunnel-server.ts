// Where agents and clients that forward ports arrive at a hub's process. Those whose TLS the tunnel's front door has ended
// come by a Unix socket, and what it knows of the connection stands in headers that nobody else can write.
import { createServer, type IncomingMessage, type Server, ServerResponse } from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { Duplex } from "node:stream";
import { limits } from "#contract/limits.ts";
import { hubName } from "#contract/tunnel/target.ts";
import type { Verdict } from "#hub/door-verdict.ts";
import type { Refusal } from "#hub/hub.ts";
import { type HubRuntime, parsedJson } from "#hub/hub-runtime.ts";
import type { PeerSocket } from "#hub/peer-socket.ts";
import { authorityOf, judgeArrival } from "#hub/tunnel-door.ts";
import { cfBlobHeader, schemeHeader } from "../workerd-config.ts";
import { sendJson, trustedServer } from "./gateway-server.ts";
import type { Hubs } from "./hubs.ts";
import { Upgrader } from "./peer-socket.ts";

const upgrader = new Upgrader(limits.tunnelMessageBytes);

/** What is known of a request beside itself. */
export interface Surroundings {
  readonly scheme: string;
  /** As `request.cf` on Cloudflare. */
  readonly facts: unknown;
}

/** On a Unix socket that only the supervisor's own processes can open. */
export function tunnelServer(hubs: Hubs, runtime: HubRuntime): Server {
  const server = createServer(trustedServer);
  serveArrivals(server, hubs, runtime, ({ headers }) => ({
    scheme: String(headers[schemeHeader] ?? "https"),
    facts: parsedJson(String(headers[cfBlobHeader] ?? "null")),
  }));
  return server;
}

/** `look` says what surrounds a request, or refuses it. */
export function serveArrivals(
  server: Server | HttpsServer,
  hubs: Hubs,
  runtime: HubRuntime,
  look: (request: IncomingMessage) => Surroundings | Verdict,
): void {
  server.on("request", (request: IncomingMessage, response: ServerResponse) => {
    response.on("error", () => response.destroy());
    const seen = look(request);
    if ("type" in seen) {
      response.shouldKeepAlive = false;
      return answer(response, seen);
    }
    void judge(request, seen, runtime, false).then(
      (verdict) => answer(response, verdict),
      () => response.destroy(),
    );
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, early: Buffer) => {
    const seen = look(request);
    if ("type" in seen) return answer(responseOn(request, socket), seen);
    const ignore = (): void => void socket.destroy();
    socket.on("error", ignore);
    void judge(request, seen, runtime, isWebSocket(request)).then(
      (verdict) => {
        socket.off("error", ignore);
        if (verdict.type === "answer") return answer(responseOn(request, socket), verdict);
        const url = urlOf(request, seen);
        const accept = (): PeerSocket => upgrader.accept(request, socket, early);
        try {
          const refused = arrive(hubs, verdict, url, accept);
          if (refused) sendJson(responseOn(request, socket), refused.status, refused.error);
        } catch {
          // No handshake, or nobody is there any more.
          socket.destroy();
        }
      },
      () => socket.destroy(),
    );
  });
}

function isWebSocket({ headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === "websocket";
}

function judge(
  request: IncomingMessage,
  seen: Surroundings,
  runtime: HubRuntime,
  isUpgrade: boolean,
): Promise<Verdict> {
  const { method = "GET", headers } = request;
  const { clientIp } = (seen.facts ?? {}) as { clientIp?: unknown };
  return judgeArrival(
    {
      method,
      url: urlOf(request, seen),
      isUpgrade,
      authorization: headers.authorization,
      client: typeof clientIp === "string" ? clientIp : "unknown",
      facts: seen.facts,
      text: (limitBytes) => readText(request, limitBytes),
    },
    runtime,
  );
}

/** One that has no such thing as a path stands for the root, where nobody is. */
function urlOf({ url = "/", headers }: IncomingMessage, { scheme }: Surroundings): URL {
  const origin = `${scheme}://${headers.host ?? "edge"}`;
  const target = `${origin}${url.startsWith("/") ? url : "/"}`;
  return URL.canParse(target) ? new URL(target) : new URL("https://edge/");
}

/** Undefined: it is taken. Throws where the handshake comes to nothing. */
function arrive(
  hubs: Hubs,
  verdict: Exclude<Verdict, { type: "answer" }>,
  url: URL,
  accept: () => PeerSocket,
): Refusal | undefined {
  const { target } = verdict;
  const hub = hubs.named(hubName(target));
  if (verdict.type === "forwarder") return hub.forward(target, verdict.forwarder, accept);
  const { transportCertificate } = verdict;
  return hub.connect(
    { target, authority: authorityOf(url), path: url.pathname, transportCertificate },
    accept,
  );
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
