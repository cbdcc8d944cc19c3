// Carries out one active health check of a direct endpoint, each of its steps on a connection of its own.
import { speaksTls } from "#contract/snapshot.ts";
import { judgeTimeout, type ProbeResult } from "#traffic/health/active-check.ts";
import type { StepPlan } from "#traffic/health/check-plan.ts";
import type { TcpDialogue } from "#traffic/health/tcp-dialogue.ts";
import { parseProbeAnswer, probeAnswerBytes, probeRequest } from "#traffic/region/http-probe.ts";
import type { Probe } from "#traffic/region/probe-schedule.ts";
import { dial } from "../forward/dial.ts";
import { withTimeLimit } from "../time-limit.ts";
import type { ConnectTo } from "./connect-to.ts";

/** Never rejects. */
export async function runProbe(probe: Probe, connectTo: ConnectTo): Promise<ProbeResult> {
  const endMs = Date.now() + probe.plan.policy.timeoutMs;
  let result: ProbeResult = { ok: true, detail: "connected" };
  for (const step of probe.plan.steps) {
    result = await runStep(probe, step, endMs, connectTo);
    if (!result.ok) break;
  }
  return result;
}

async function runStep(
  { plan: { policy }, endpoint }: Probe,
  step: StepPlan,
  endMs: number,
  connectTo: ConnectTo,
): Promise<ProbeResult> {
  let socket: Socket;
  try {
    const target = connectTo(step.address, step.port);
    const secure = speaksTls(step.protocol);
    socket = await dial({ ...target, secure }, Math.max(endMs - Date.now(), 1));
  } catch (error) {
    if (Date.now() >= endMs) return judgeTimeout(policy);
    return { ok: false, detail: `no connection: ${error instanceof Error ? error.message : String(error)}` };
  }
  const dialogue = step.startDialogue?.();
  try {
    const seen = dialogue ? talk(dialogue, step, socket) : ask(step, endpoint, socket);
    const leftMs = Math.max(endMs - Date.now(), 0);
    return await withTimeLimit(seen, leftMs, () => judgeTimeout(policy, dialogue?.result()));
  } catch (error) {
    return {
      ok: false,
      detail: `connection broke: ${error instanceof Error ? error.message : String(error)}`,
    };
  } finally {
    void socket.close().catch(() => undefined);
  }
}

async function ask(
  { http, header }: StepPlan,
  endpoint: Probe["endpoint"],
  socket: Socket,
): Promise<ProbeResult> {
  // Agents alone check over gRPC.
  if (!http) return { ok: false, detail: "this check needs an agent" };
  const { request, test } = http;
  await send(socket, header);
  await send(socket, probeRequest(request, endpoint));
  const readsBody = test.readsBody && request.method !== "HEAD";
  const text = await receive(socket, (received) => {
    const answer = parseProbeAnswer(received);
    if (answer === undefined || answer === "malformed") return answer === "malformed";
    return !readsBody || answer.isWhole || test.isSettled(answer);
  });
  const answer = parseProbeAnswer(text);
  if (answer === undefined) return { ok: false, detail: "connection closed before an answer" };
  if (answer === "malformed") return { ok: false, detail: "the answer is not HTTP" };
  return test.judge(answer);
}

async function talk(dialogue: TcpDialogue, { header }: StepPlan, socket: Socket): Promise<ProbeResult> {
  await send(socket, header);
  await send(socket, dialogue.begin());
  const reader = (socket.readable as ReadableStream<Uint8Array>).getReader();
  while (!dialogue.isOver) {
    const { done, value } = await reader.read();
    if (done) dialogue.end();
    else await send(socket, dialogue.take(value));
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
