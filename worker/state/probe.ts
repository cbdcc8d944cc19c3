// Carries out one active health check of a direct endpoint on a connection of its own.
import {
  judgeHttpProbe,
  judgeTcpProbe,
  judgeTimeout,
  type ProbeResult,
} from "#traffic/health/active-check.ts";
import { parseProbeAnswer, probeAnswerBytes, probeRequest } from "#traffic/region/http-probe.ts";
import type { Probe } from "#traffic/region/probe-schedule.ts";
import { speaksTls } from "#contract/snapshot.ts";
import { dial } from "../forward/dial.ts";
import { withTimeLimit } from "../time-limit.ts";
import type { ConnectTo } from "./connect-to.ts";

/** Never rejects. */
export async function runProbe(probe: Probe, connectTo: ConnectTo): Promise<ProbeResult> {
  const { check, endpoint, protocol } = probe;
  const startedMs = Date.now();
  let socket: Socket;
  try {
    const target = connectTo(endpoint.address, check.overrides?.port ?? endpoint.port);
    socket = await dial({ ...target, secure: speaksTls(protocol) }, check.timeoutMs);
  } catch (error) {
    if (Date.now() - startedMs >= check.timeoutMs) return judgeTimeout(check);
    return { ok: false, detail: `no connection: ${error instanceof Error ? error.message : String(error)}` };
  }
  const leftMs = Math.max(startedMs + check.timeoutMs - Date.now(), 0);
  try {
    const seen = check.type === "TCP" ? tcp(probe, socket) : http(probe, socket);
    return await withTimeLimit(seen, leftMs, () => judgeTimeout(check));
  } catch (error) {
    return {
      ok: false,
      detail: `connection broke: ${error instanceof Error ? error.message : String(error)}`,
    };
  } finally {
    void socket.close().catch(() => undefined);
  }
}

async function http({ check, endpoint }: Probe, socket: Socket): Promise<ProbeResult> {
  await send(socket, probeRequest(check, endpoint));
  const wanted = check.http?.expectedBody;
  const text = await receive(socket, (received) => {
    const answer = parseProbeAnswer(received);
    if (answer === undefined || answer === "malformed") return answer === "malformed";
    return wanted === undefined || answer.body.includes(wanted);
  });
  const answer = parseProbeAnswer(text);
  if (answer === undefined) return { ok: false, detail: "connection closed before an answer" };
  if (answer === "malformed") return { ok: false, detail: "the answer is not HTTP" };
  return judgeHttpProbe(check, answer.status, answer.body);
}

async function tcp({ check }: Probe, socket: Socket): Promise<ProbeResult> {
  const { send: text, receive: wanted } = check.tcp ?? {};
  if (text) await send(socket, text);
  if (!wanted) return judgeTcpProbe(check);
  return judgeTcpProbe(check, await receive(socket, (received) => received.includes(wanted)));
}

async function send(socket: Socket, text: string): Promise<void> {
  const writer = socket.writable.getWriter();
  await writer.write(new TextEncoder().encode(text));
  writer.releaseLock();
}

/** What the endpoint says until `isEnough`, or the end, or `probeAnswerBytes`. */
async function receive(socket: Socket, isEnough: (text: string) => boolean): Promise<string> {
  const reader = (socket.readable as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let text = "";
  while (text.length < probeAnswerBytes && !isEnough(text)) {
    const { done, value } = await reader.read();
    if (done) break;
    text += decoder.decode(value, { stream: true });
  }
  return text;
}
