// One endpoint, with how to dial it worked out once.
import type { Endpoint, SnapshotBackend } from "#contract/snapshot.ts";
import { Reachability } from "#traffic/health/reachability.ts";

/** Whether a connection to the endpoint is opened or refused within that time. Never rejects. */
export type Answers = (endpoint: Endpoint, timeoutMs: number) => Promise<boolean>;

export interface EndpointPlan {
  readonly endpoint: Endpoint;
  /** Name of its backend. */
  readonly backend: string;
  /** `https://address:port`: where plain `fetch` goes. */
  readonly origin: string;
  /** The service that keeps the client's Host (decision 0003), where one is bound. */
  readonly service: Fetcher | undefined;
  readonly reachability: Reachability;
  answers(timeoutMs: number): Promise<boolean>;
}

export function compileEndpoint(
  endpoint: Endpoint,
  { name, protocol }: SnapshotBackend,
  service: Fetcher | undefined,
  answers: Answers,
): EndpointPlan {
  return {
    endpoint,
    backend: name,
    origin: `${protocol === "HTTPS" ? "https" : "http"}://${endpoint.id}`,
    service,
    reachability: new Reachability(),
    answers: (timeoutMs) => answers(endpoint, timeoutMs),
  };
}
