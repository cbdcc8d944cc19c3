// What a hub needs of the runtime that it lives in, beside sockets and requests.
import type { HubPush } from "#contract/sync.ts";
import type { TunnelTarget } from "#contract/tunnel/target.ts";

/** Asks the control by a POST with JSON. Rejects where it cannot be reached in time. */
export type AskControl = (
  path: "/forward" | "/join" | "/renew",
  body: object,
) => Promise<{ readonly status: number; readonly text: string }>;

export interface HubRuntime {
  /** Zone of agents that are preferred for endpoints without one. */
  readonly zone: string | undefined;
  readonly askControl: AskControl;
  /** Tells the region that this hub is there; resolves to trust and configuration. Rejects when nobody answers. */
  announce(target: TunnelTarget): Promise<HubPush>;
  /** One for each connection: decides when frames that wait leave as one message. */
  createFlushing(): Flushing;
  log(level: "info" | "warn", line: string): void;
}

/** `streams`: how many are open. */
export type Flushing = (flush: () => void, streams: number) => void;

export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
