// Carries out one active health check of a direct endpoint on a connection of its own.
import { bodyTest, judgeHttpProbe, judgeTimeout, type ProbeResult } from "#traffic/health/active-check.ts";
import { startDialogue, type TcpDialogue } from "#traffic/health/tcp-dialogue.ts";
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
  const dialogue = check.type === "TCP" ? startDialogue(check) : undefined;
  try {
    const seen = dialogue ? talk(dialogue, socket) : http(probe, socket);
    return await withTimeLimit(seen, leftMs, () => judgeTimeout(check, dialogue?.result()));
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
  await send(socket, new TextEncoder().encode(probeRequest(check, endpoint)));
  const hasWanted = bodyTest(check);
  const text = await receive(socket, (received) => {
    const answer = parseProbeAnswer(received);
    if (answer === undefined || answer === "malformed") return answer === "malformed";
    return hasWanted === undefined || hasWanted(answer.body);
  });
  const answer = parseProbeAnswer(text);
  if (answer === undefined) return { ok: false, detail: "connection closed before an answer" };
  if (answer === "malformed") return { ok: false, detail: "the answer is not HTTP" };
  return judgeHttpProbe(check, answer.status, answer.body);
}

async function talk(dialogue: TcpDialogue, socket: Socket): Promise<ProbeResult> {
  await send(socket, dialogue.begin());
  const reader = (socket.readable as ReadableStream<Uint8Array>).getReader();
  while (!dialogue.isOver) {
    const { done, value } = await reader.read();
    if (done) break;
    await send(socket, dialogue.take(value));
  }
  return dialogue.result();
}

async function send(socket: Socket, bytes: Uint8Array): Promise<void> {
  if (bytes.length === 0) return;
  const writer = socket.writable.getWriter();
  await writer.write(bytes);
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
