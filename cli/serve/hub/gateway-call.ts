// A request of the data path at a hub's process: what the hub asks of it, and the answer to the gateway.
import {
  validateHeaderName,
  validateHeaderValue,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { Duplex } from "node:stream";
import { internalHeaders, isInternalHeader, tunnelErrorStatus } from "#contract/internal-headers.ts";
import type { OpenHead, ResponseHead } from "#contract/tunnel/head.ts";
import type { HttpCall } from "#hub/http-call.ts";
import { type InformationalTarget, informationalTarget } from "#contract/informational.ts";
import type { PeerSocket } from "#hub/peer-socket.ts";
import type { TunnelFailure } from "#hub/tunnel-failure.ts";
import type { TunnelStream } from "#traffic/tunnel/stream.ts";
import { connectionNames, GatewayDownload } from "./download.ts";
import type { FrontDoors } from "./front-doors.ts";
import type { Upgrader } from "./peer-socket.ts";
import { GatewayUpload } from "./upload.ts";

/** A gateway that still sends the body of a request which is answered has this long to end it. */
const lingerMs = 1_000;

/** What a request for a WebSocket has beside it. */
export interface UpgradeParts {
  readonly socket: Duplex;
  readonly early: Buffer;
  readonly upgrader: Upgrader;
}

export class GatewayCall implements HttpCall<void> {
  readonly head: OpenHead;
  readonly hasBody: boolean;
  readonly trailersToken: string | undefined;
  readonly gatewayProcess: string | undefined;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #doors: FrontDoors;
  readonly #upgrade: UpgradeParts | undefined;
  readonly #informational: InformationalTarget | undefined;
  /** All that have been told so far, one after the other; false once one came to nothing. */
  #informed: Promise<boolean> | undefined;

  constructor(request: IncomingMessage, response: ServerResponse, doors: FrontDoors, upgrade?: UpgradeParts) {
    this.#request = request;
    this.#response = response;
    this.#doors = doors;
    this.#upgrade = upgrade;
    const read = readHead(request, upgrade !== undefined);
    this.head = read.head;
    this.hasBody = read.hasBody;
    this.trailersToken = read.trailersToken;
    this.gatewayProcess = read.gatewayProcess;
    this.#informational = read.informational;
    if (this.hasBody) response.once("finish", () => this.#linger());
  }

  get aborted(): boolean {
    return this.#response.destroyed;
  }

  onAbort(left: () => void): void {
    this.#response.once("close", () => {
      if (!this.#response.writableFinished) left();
    });
  }

  async inform({ status, fields }: ResponseHead): Promise<void> {
    const target = this.#informational;
    if (!target) return;
    const passed = fields.filter(([name]) => !connectionNames.has(name) && !isInternalHeader(name));
    const before = this.#informed ?? Promise.resolve(true);
    this.#informed = before.then(
      (isHeard) => isHeard && this.#doors.tell(target, { status, fields: passed }),
    );
    await this.#informed;
  }

  upload(stream: TunnelStream): GatewayUpload {
    return new GatewayUpload(this.#request, stream);
  }

  download(stream: TunnelStream): GatewayDownload {
    return new GatewayDownload(this.#response, stream, this.trailersToken);
  }

  upgrade({ fields }: ResponseHead): { answer: undefined; socket: PeerSocket } {
    const { socket, early, upgrader } = this.#upgrade!;
    const passed = fields.filter(([name]) => !connectionNames.has(name) && !handshakeNames.has(name));
    for (const [name, value] of passed) {
      validateHeaderName(name);
      validateHeaderValue(name, value);
    }
    const protocol = fields.find(([name]) => name === "sec-websocket-protocol")?.[1];
    if (protocol !== undefined) validateHeaderValue("sec-websocket-protocol", protocol);
    this.#response.detachSocket(socket as IncomingMessage["socket"]);
    const accepted = upgrader.accept(this.#request, socket, early, { protocol, fields: passed });
    return { answer: undefined, socket: accepted };
  }

  fail({ code, safe }: TunnelFailure): void {
    if (this.#response.destroyed || this.#response.headersSent) return;
    const fields: string[] = [internalHeaders.tunnelError, code];
    if (safe) fields.push(internalHeaders.tunnelErrorSafe, "1");
    this.#response.writeHead(tunnelErrorStatus, [...fields, "content-length", "0"]).end();
  }

  #linger(): void {
    const { socket, complete } = this.#request;
    if (complete) return;
    this.#request.resume();
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    this.#request.once("end", () => clearTimeout(timer));
    socket.once("close", () => clearTimeout(timer));
  }
}

/** Of a handshake's answer: those are of the connection to the endpoint; the one to the gateway has its own. */
const handshakeNames: ReadonlySet<string> = new Set([
  "content-length",
  "sec-websocket-accept",
  "sec-websocket-extensions",
  "sec-websocket-protocol",
]);

/** Values are octets here as in the tunnel, so they pass as they are. */
function readHead({ rawHeaders, method = "GET", url = "/" }: IncomingMessage, isUpgrade: boolean) {
  const fields: [string, string][] = [];
  let authority = "";
  let endpoint = "";
  let hasBody = false;
  let trailersToken: string | undefined;
  let gatewayProcess: string | undefined;
  let informational: InformationalTarget | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]!.toLowerCase();
    const value = rawHeaders[index + 1]!;
    if (name === "host") authority = value;
    else if (isInternalHeader(name)) {
      if (name === internalHeaders.endpoint) endpoint = value;
      else if (name === internalHeaders.gatewayProcess) gatewayProcess = value;
      else if (name === internalHeaders.informational) informational = informationalTarget(value);
      else if (name === internalHeaders.trailers) {
        // The endpoint may send trailers; what the client itself sent ended on the way here (RFC 9110 §10.1.4).
        trailersToken = value;
        fields.push(["te", "trailers"]);
      }
    } else {
      if (name === "transfer-encoding" || (name === "content-length" && value !== "0")) hasBody = true;
      fields.push([name, value]);
    }
  }
  const kind = isUpgrade ? "websocket" : "http";
  const head: OpenHead = { kind, method, scheme: "http", authority, target: url, endpoint, fields };
  return { head, hasBody: hasBody && !isUpgrade, trailersToken, gatewayProcess, informational };
}
