// Pods for tests of the hub: what an agent serves, and a tunnel of its own for each test.
import type { FixtureCertificate } from "#contract/identity/identity-fixture.ts";
import type { ResetCode } from "#contract/tunnel/code.ts";
import type { OpenHead } from "#contract/tunnel/head.ts";
import type { SessionHandlers } from "#traffic/tunnel/session.ts";
import type { StreamHandlers, TunnelStream } from "#traffic/tunnel/stream.ts";
import { issueAgent, issueRoot, push, startAgent, trustOf } from "./simulated-agent.ts";
import type { SimulatedAgent } from "./simulated-agent.ts";

export type Pod = (stream: TunnelStream, head: OpenHead, ended: boolean) => StreamHandlers | ResetCode;

export const encoder = new TextEncoder();
export const quiet: StreamHandlers = { onReset: () => {} };
let root: Promise<FixtureCertificate> | undefined;
let count = 0;

export async function serve(pod: Pod, handlers: Partial<SessionHandlers> = {}) {
  const tunnel = `tunnel-${count++}`;
  root ??= issueRoot();
  await push(tunnel, { trust: trustOf(await root) });
  return { tunnel, agent: await connect(tunnel, pod, handlers) };
}

export async function connect(
  tunnel: string,
  pod: Pod,
  handlers: Partial<SessionHandlers> = {},
): Promise<SimulatedAgent> {
  const leaf = await issueAgent(await root!, tunnel);
  return startAgent({ tunnel, leaf, handlers: { onStream: pod, ...handlers } });
}

export const answer =
  (status: number, body = "", fields: OpenHead["fields"] = []): Pod =>
  (stream) => {
    stream.respond({ status, fields }, { end: body === "" });
    if (body) stream.write(encoder.encode(body));
    stream.end();
    return quiet;
  };

export const failure = (response: Response) => [
  response.status,
  response.headers.get("isthmus-tunnel-error"),
  response.headers.get("isthmus-tunnel-error-safe"),
];

/** Sends `bytes` at the pace of the window, then ends. */
export function sendAll(stream: TunnelStream, bytes: number): StreamHandlers {
  const chunk = new Uint8Array(64 * 1024);
  let left = bytes;
  const onWritable = (): void => {
    while (left > 0) {
      const sent = stream.write(chunk.subarray(0, Math.min(left, chunk.length)));
      left -= sent;
      if (sent === 0 || left === 0) break;
    }
    if (left === 0) stream.end();
  };
  onWritable();
  return { onWritable, onReset: () => {} };
}
