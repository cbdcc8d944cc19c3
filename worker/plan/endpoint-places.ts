// Places at the endpoints of one backend, and who waits for them (decision 0029). Kept from snapshot to snapshot while the
// bounds stay the same, so that what is under way stays counted.
import { GatewayError } from "#contract/error.ts";
import { limits } from "#contract/limits.ts";
import type { SnapshotBackend } from "#contract/snapshot.ts";
import { type Admitted, EndpointQueue, type PlacePicker } from "#traffic/balance/endpoint-queue.ts";
import type { Lifetime } from "../exchange.ts";
import { withTimeLimit } from "../time-limit.ts";

export interface Place {
  readonly index: number;
  /** Call it exactly once. */
  leave(): void;
}

/** The part of a bound that this process keeps. */
export type ShareOf = (whole: number) => number;

export interface PlaceInputs {
  readonly shareOf: ShareOf;
  /** See `Isolate.awaitNews`. */
  readonly awaitNews: (lifetime: Lifetime) => void;
}

interface Waiter {
  /** Its place; -1: none yet. */
  index: number;
  readonly go: () => void;
}

/** Who waits looks itself this often: whether the client is still there, and for news of the endpoints. */
const lookMs = 1_000;

export class EndpointPlaces {
  readonly bounds: string;
  readonly #queue: EndpointQueue<Waiter>;
  readonly #timeoutMs: number;
  readonly #awaitNews: PlaceInputs["awaitNews"];

  constructor(backend: SnapshotBackend, { shareOf, awaitNews }: PlaceInputs) {
    const { endpoints, queue = {} } = backend;
    const share = (whole: number | undefined): number => (whole === undefined ? Infinity : shareOf(whole));
    this.bounds = boundsOf(backend);
    this.#awaitNews = awaitNews;
    this.#timeoutMs = queue.timeoutMs ?? Infinity;
    this.#queue = new EndpointQueue({
      maxConnections: endpoints.map(({ maxConnections }) => share(maxConnections)),
      minConnections: endpoints.map(({ minConnections }) => minConnections && shareOf(minConnections)),
      maxQueue: endpoints.map(({ maxQueue }) => share(maxQueue)),
      fullConnections: queue.fullConnections === undefined ? 0 : shareOf(queue.fullConnections),
      maxWaiting: limits.waitingForEndpoints,
    });
  }

  /** Rejects with `circuit_open`, `queue_timeout` or `no_healthy_endpoint`. */
  async enter(picker: PlacePicker, lifetime: Lifetime, client?: AbortSignal): Promise<Place> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiter: Waiter = { index: -1, go: resolve };
    const arrival = this.#queue.arrive(waiter, picker);
    if (arrival.kind === "refused") throw new GatewayError("circuit_open", "as many wait as may");
    if (arrival.kind === "unavailable") throw new GatewayError("no_healthy_endpoint");
    if (arrival.kind === "admitted") return this.#place(arrival.index);
    const untilMs = Date.now() + this.#timeoutMs;
    for (let leftMs = this.#timeoutMs; leftMs > 0; leftMs = untilMs - Date.now()) {
      await withTimeLimit(promise, Math.min(lookMs, leftMs), () => undefined);
      if (waiter.index >= 0) return this.#place(waiter.index);
      if (client?.aborted) break;
      this.#awaitNews(lifetime);
    }
    this.#queue.giveUp(waiter);
    throw new GatewayError("queue_timeout");
  }

  /** Endpoints have come or gone. */
  lookAnew(): void {
    admit(this.#queue.lookAnew());
  }

  #place(index: number): Place {
    return { index, leave: () => admit(this.#queue.leave(index)) };
  }
}

function admit(admitted: readonly Admitted<Waiter>[]): void {
  for (const { waiter, index } of admitted) {
    waiter.index = index;
    waiter.go();
  }
}

function boundsOf({ endpoints, queue }: SnapshotBackend): string {
  const bounds = endpoints.map(({ id, maxConnections, minConnections, maxQueue }) => [
    id,
    maxConnections,
    minConnections,
    maxQueue,
  ]);
  return JSON.stringify([bounds, queue]);
}

/** `undefined`: no endpoint has a bound. */
export function endpointPlaces(
  backend: SnapshotBackend,
  inputs: PlaceInputs,
  previous: EndpointPlaces | undefined,
): EndpointPlaces | undefined {
  if (backend.endpoints.every(({ maxConnections }) => maxConnections === undefined)) return undefined;
  return previous?.bounds === boundsOf(backend) ? previous : new EndpointPlaces(backend, inputs);
}
