// One active check of one endpoint, each step on a connection of its own: a kept one would say nothing about whether new ones
// are accepted. What a result means is the machine's to judge (`traffic/health/active-check.ts`).
import { request } from "node:http";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { speaksHttp2 } from "#contract/snapshot.ts";
import { judgeTimeout } from "#traffic/health/active-check.ts";
import type { ProbeResult } from "#traffic/health/active-check.ts";
import { type Answer, answerChars } from "#traffic/health/answer-test.ts";
import type { CheckPlan, StepPlan } from "#traffic/health/check-plan.ts";
import type { TcpDialogue } from "#traffic/health/tcp-dialogue.ts";
import { systemCode } from "./agent-error.ts";
import { dialTargetOf, type SliceEndpoint } from "./config-slice.ts";
import type { Dial } from "./dial.ts";
import { endpointHost } from "./endpoint-host.ts";
import { probeHttp2 } from "./probe-http2.ts";

/** Resolves within the check's timeout, whatever the endpoint does. Never rejects. */
export function probe(target: SliceEndpoint, { policy, steps }: CheckPlan, dial: Dial): Promise<ProbeResult> {
  return new Promise((resolve) => {
    const over = new AbortController();
    const finish = (result: ProbeResult) => {
      if (over.signal.aborted) return;
      clearTimeout(timer);
      over.abort();
      resolve(result);
    };
    let dialogue: TcpDialogue | undefined;
    const timer = setTimeout(() => finish(judgeTimeout(policy, dialogue?.result())), policy.timeoutMs);
    const run = (index: number) => {
      const step = steps[index]!;
      dialogue = step.startDialogue?.();
      const isLast = index === steps.length - 1;
      dial(dialTargetOf(target, step), (error, socket) => {
        if (!socket) return finish(failed(error ?? new Error("no connection")));
        const close = () => socket.destroy();
        over.signal.addEventListener("abort", close);
        if (over.signal.aborted) return close();
        let isSettled = false;
        const settle = (result: ProbeResult) => {
          if (isSettled) return;
          isSettled = true;
          close();
          if (isLast || !result.ok) finish(result);
          else run(index + 1);
        };
        if (dialogue) probeTcp(socket, dialogue, settle);
        else if (speaksHttp2(step.protocol)) probeHttp2(socket, target, step, settle);
        else probeHttp(socket, target, step, settle);
      });
    };
    run(0);
  });
}

export type Finish = (result: ProbeResult) => void;

function probeHttp(socket: Socket, { endpoint }: SliceEndpoint, { http }: StepPlan, finish: Finish): void {
  // The edge sends no check over gRPC for what speaks HTTP/1.1.
  if (!http) return finish({ ok: false, detail: "gRPC needs HTTP/2" });
  const { test } = http;
  const { method, path, hostname, headers: own = [], body } = http.request;
  const headers = ["host", hostname ?? `${endpointHost(endpoint)}:${endpoint.port}`];
  headers.push("user-agent", "isthmus-agent");
  if (!own.some(({ name }) => name.toLowerCase() === "connection")) headers.push("connection", "close");
  for (const { name, value } of own) headers.push(name, value);
  if (body !== undefined) headers.push("content-length", String(Buffer.byteLength(body)));
  const judge = (response: IncomingMessage) => {
    const head = { status: response.statusCode ?? 0, headers: pairsOf(response.rawHeaders) };
    if (!test.readsBody) return finish(test.judge({ ...head, body: "" }));
    readBody(
      response,
      (text) => test.isSettled({ ...head, body: text }),
      (text) => finish(test.judge({ ...head, body: text })),
    );
  };
  request({ method, path, headers, createConnection: () => socket })
    .on("response", judge)
    // An answer that changes the protocol is one, too.
    .on("upgrade", judge)
    .on("error", (error) => finish(failed(error)))
    .end(body);
}

function pairsOf(raw: readonly string[]): Answer["headers"] {
  return raw.flatMap((name, index) =>
    index % 2 === 0 ? [[name.toLowerCase(), raw[index + 1] ?? ""] as const] : [],
  );
}

function probeTcp(socket: Socket, dialogue: TcpDialogue, finish: Finish): void {
  const goOn = (bytes: Uint8Array) => {
    if (bytes.length > 0) socket.write(bytes);
    if (dialogue.isOver) finish(dialogue.result());
  };
  socket
    .on("error", (error) => finish(failed(error)))
    .on("data", (chunk: Buffer) => goOn(dialogue.take(chunk)))
    .on("end", () => {
      dialogue.end();
      finish(dialogue.result());
    });
  goOn(dialogue.begin());
}

/** Reads until more would change nothing, the answer ends or enough of it was read. */
function readBody(
  source: IncomingMessage,
  isSettled: (text: string) => boolean,
  done: (text: string) => void,
): void {
  let text = "";
  source
    .on("data", (chunk: Buffer) => {
      text = (text + chunk.toString("latin1")).slice(0, answerChars);
      if (isSettled(decoded()) || text.length >= answerChars) end();
    })
    .on("error", () => end())
    .on("end", () => end());
  // A character may come in two pieces.
  const decoded = () => Buffer.from(text, "latin1").toString("utf8");
  const end = () => done(decoded());
}

function failed(error: Error): ProbeResult {
  return { ok: false, detail: `${systemCode(error) ?? error.name}: ${error.message}` };
}
