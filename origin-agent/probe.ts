// One active check of one endpoint, on a connection of its own: a kept one would say nothing about whether new ones are
// accepted. What a result means is the machine's to judge (`traffic/health/active-check.ts`).
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { speaksHttp2 } from "#contract/snapshot.ts";
import type { ActiveHealthCheck } from "#contract/snapshot.ts";
import { bodyTest, judgeHttpProbe, judgeTimeout } from "#traffic/health/active-check.ts";
import type { ProbeResult } from "#traffic/health/active-check.ts";
import { startDialogue, type TcpDialogue } from "#traffic/health/tcp-dialogue.ts";
import { systemCode } from "./agent-error.ts";
import { dialTargetOf, type SliceEndpoint } from "./config-slice.ts";
import type { Dial } from "./dial.ts";
import { endpointHost } from "./endpoint-host.ts";
import { probeHttp2 } from "./probe-http2.ts";

/** How much of an answer is searched for the expected text. */
const searchedBytes = 16 * 1024;

/** Resolves within the check's timeout, whatever the endpoint does. Never rejects. */
export function probe(target: SliceEndpoint, check: ActiveHealthCheck, dial: Dial): Promise<ProbeResult> {
  const { protocol } = target;
  return new Promise((resolve) => {
    const over = new AbortController();
    const finish = (result: ProbeResult) => {
      if (over.signal.aborted) return;
      clearTimeout(timer);
      over.abort();
      resolve(result);
    };
    let dialogue: TcpDialogue | undefined;
    const timer = setTimeout(() => finish(judgeTimeout(check, dialogue?.result())), check.timeoutMs);
    const { port } = check.overrides ?? target.endpoint;
    dial({ ...dialTargetOf(target), port }, (error, socket) => {
      if (!socket) return finish(failed(error ?? new Error("no connection")));
      over.signal.addEventListener("abort", () => socket.destroy());
      if (over.signal.aborted) socket.destroy();
      else if (check.type === "TCP") probeTcp(socket, (dialogue = startDialogue(check)), finish);
      else if (speaksHttp2(protocol)) probeHttp2(socket, target, check, finish);
      else probeHttp(socket, target, check, finish);
    });
  });
}

export type Finish = (result: ProbeResult) => void;

function probeHttp(socket: Socket, target: SliceEndpoint, check: ActiveHealthCheck, finish: Finish): void {
  const { method = "GET", path = "/", hostname, headers: own = [] } = check.http ?? {};
  const hasWanted = bodyTest(check);
  const { endpoint } = target;
  const headers = ["host", hostname ?? `${endpointHost(endpoint)}:${endpoint.port}`, "connection", "close"];
  headers.push("user-agent", "isthmus-agent");
  for (const { name, value } of own) headers.push(name, value);
  const judge = (response: IncomingMessage) => {
    const status = response.statusCode ?? 0;
    if (!hasWanted) return finish(judgeHttpProbe(check, status));
    search(response, hasWanted, (text) => finish(judgeHttpProbe(check, status, text)));
  };
  request({ method, path, headers, createConnection: () => socket })
    .on("response", judge)
    .on("error", (error) => finish(failed(error)))
    .end();
}

function probeTcp(socket: Socket, dialogue: TcpDialogue, finish: Finish): void {
  const goOn = (bytes: Uint8Array) => {
    if (bytes.length > 0) socket.write(bytes);
    if (dialogue.isOver) finish(dialogue.result());
  };
  socket
    .on("error", (error) => finish(failed(error)))
    .on("data", (chunk: Buffer) => goOn(dialogue.take(chunk)))
    .on("end", () => finish(dialogue.result()));
  goOn(dialogue.begin());
}

/** Reads until there is what is wanted, the answer ends or enough of it was read. */
function search(
  source: IncomingMessage,
  hasWanted: (text: string) => boolean,
  found: (text: string) => void,
): void {
  let text = "";
  source
    .on("data", (chunk: Buffer) => {
      text = (text + chunk.toString("latin1")).slice(0, searchedBytes);
      if (hasWanted(decoded()) || text.length >= searchedBytes) end();
    })
    .on("error", () => end())
    .on("end", () => end());
  // A character may come in two pieces.
  const decoded = () => Buffer.from(text, "latin1").toString("utf8");
  const end = () => found(decoded());
}

function failed(error: Error): ProbeResult {
  return { ok: false, detail: `${systemCode(error) ?? error.name}: ${error.message}` };
}
