// What a door decides about who arrives there.
import type { ApiError } from "#contract/sync.ts";
import type { TunnelTarget } from "#contract/tunnel/target.ts";
import type { Forwarder } from "./forward-session.ts";
import type { HubRuntime } from "./hub-runtime.ts";

/** A request at the door, in no runtime's terms. */
export interface Arrival {
  readonly method: string;
  readonly url: URL;
  /** It asks for a WebSocket. */
  readonly isUpgrade: boolean;
  readonly authorization: string | undefined;
  /** Address of who is there, for the log. */
  readonly client: string;
  /** The connection's facts as the front door or Cloudflare's edge wrote them (`request.cf`). */
  readonly facts: unknown;
  /** Undefined when the body is longer than `limitBytes`; no more than that is read. */
  text(limitBytes: number): Promise<string | undefined>;
}

export type Verdict =
  | { readonly type: "answer"; readonly status: number; readonly text: string }
  | { readonly type: "agent"; readonly target: TunnelTarget; readonly transportCertificate: Uint8Array }
  | { readonly type: "forwarder"; readonly target: TunnelTarget; readonly forwarder: Forwarder };

/** What a door needs of its runtime. */
export type DoorRuntime = Pick<HubRuntime, "askControl" | "log">;

export function refusal(status: number, error: ApiError): Verdict {
  return { type: "answer", status, text: JSON.stringify(error) };
}

export function warn(runtime: DoorRuntime, line: object): void {
  runtime.log("warn", JSON.stringify(line));
}
