import { expect, test } from "vitest";
import { limits } from "#contract/limits.ts";
import { agentSettings, hubSettings } from "#contract/tunnel/settings.ts";
import { TunnelSession } from "./session.ts";
import type { SessionClose, SessionHandlers } from "./session.ts";
import { someHead as head } from "./testing/open-head.ts";
import { Random } from "./testing/random.ts";
import { SimulatedParty } from "./testing/simulated-party.ts";
import type { PartyPlan } from "./testing/simulated-party.ts";
import { VirtualClock, VirtualWire } from "./testing/virtual-network.ts";

interface Exchange {
  readonly client: SimulatedParty;
  pod: SimulatedParty | undefined;
  readonly stuck: boolean;
}

/** A connection with random delays that carries random exchanges; every invariant is checked after every event. */
class Simulation {
  readonly clock = new VirtualClock();
  readonly random: Random;
  readonly exchanges: Exchange[] = [];
  readonly closes: SessionClose[] = [];
  readonly #plans = new Map<string, { plan: PartyPlan; exchange: Exchange }>();
  readonly edge: TunnelSession;
  readonly agent: TunnelSession;
  readonly #wires: VirtualWire[];
  drained = false;

  constructor(seed: number) {
    this.random = new Random(seed);
    const toAgent = new VirtualWire(this.clock, this.random, (m) => this.agent.receive(m, this.clock.nowMs));
    const toEdge = new VirtualWire(this.clock, this.random, (m) => this.edge.receive(m, this.clock.nowMs));
    this.#wires = [toAgent, toEdge];
    this.edge = this.#session("edge", toAgent, {});
    this.agent = this.#session("agent", toEdge, {
      onStream: (stream, { target }) => {
        const { plan, exchange } = this.#plans.get(target)!;
        exchange.pod = new SimulatedParty(plan, this.clock, this.random, true);
        return exchange.pod.start(stream);
      },
      onDrained: () => {
        this.drained = true;
      },
    });
  }

  #session(role: "edge" | "agent", wire: VirtualWire, handlers: Partial<SessionHandlers>): TunnelSession {
    const [local, remote] = role === "edge" ? [hubSettings, agentSettings] : [agentSettings, hubSettings];
    return new TunnelSession(
      {
        role,
        local,
        remote,
        send: (message) => wire.send(message),
        schedule: (flush) => this.clock.after(0, flush),
        handlers: {
          onStream: () => "refused",
          onControl: () => {},
          onClose: (close) => this.closes.push(close),
          ...handlers,
        },
      },
      0,
    );
  }

  /** Opens an exchange at a random time in the first two seconds. */
  exchange(changes: { stuck?: boolean; bytes?: number } = {}): void {
    const size = (): number => changes.bytes ?? this.random.pick([0, 1, 100, 20_000, 300_000, 1_500_000]);
    const [up, down] = [size(), size()];
    const stuck = changes.stuck ?? false;
    const pace = (): number => this.random.pick([0, 0, 1, 30]);
    const maybeReset = (): { resetAfterMs?: number } =>
      this.random.chance(0.1) ? { resetAfterMs: this.random.below(3_000) } : {};
    const clientPlan: PartyPlan = {
      sendBytes: up,
      receiveBytes: down,
      readDelayMs: stuck ? Infinity : pace(),
      ...(stuck ? {} : maybeReset()),
    };
    const client = new SimulatedParty(clientPlan, this.clock, this.random, false);
    const exchange: Exchange = { client, pod: undefined, stuck };
    const target = `/${this.#plans.size}`;
    const podPlan = {
      sendBytes: down,
      receiveBytes: up,
      readDelayMs: pace(),
      ...(stuck ? {} : maybeReset()),
    };
    this.#plans.set(target, { plan: podPlan, exchange });
    this.clock.after(this.random.below(2_000), () => {
      const stream = this.edge.open({ ...head, target }, client, false);
      if (!stream) return;
      this.exchanges.push(exchange);
      client.start(stream);
    });
  }

  cut(atMs: number): void {
    this.clock.after(atMs, () => {
      for (const wire of this.#wires) wire.cut();
      this.edge.lost("cut");
      this.agent.lost("cut");
    });
  }

  run(): void {
    this.clock.run(120_000, () => this.#check());
  }

  #check(): void {
    for (const session of [this.edge, this.agent]) {
      const most = limits.streamsPerConnection * limits.initialWindowBytes + limits.windowGrowthBytes;
      if (session.unconsumedBytes < 0 || session.unconsumedBytes > most) throw new Error("unconsumed bytes");
      if (session.inFlightBytes > limits.connectionWindowBytes + limits.headOverdraftBytes)
        throw new Error("in flight");
    }
    for (const { client, pod } of this.exchanges) {
      for (const party of [client, pod]) {
        if (party?.problem) throw new Error(party.problem);
        if (party && party.stream.unconsumedBytes > limits.streamWindowBytes)
          throw new Error("window exceeded");
      }
    }
  }
}

const seeds = Array.from({ length: 40 }, (_, index) => 1_000 + index);

test.each(seeds)("seed %d: every exchange ends, whatever its sizes, paces and resets", (seed) => {
  const simulation = new Simulation(seed);
  for (let count = 0; count < 20; count++) simulation.exchange();
  simulation.run();
  expect(simulation.closes).toEqual([]);
  for (const { client, pod } of simulation.exchanges) {
    expect(client.outcome).toBeDefined();
    if (pod) expect(pod.outcome).toBeDefined();
  }
  expect([simulation.edge.streams, simulation.agent.streams]).toEqual([0, 0]);
  expect([simulation.edge.unconsumedBytes, simulation.agent.unconsumedBytes]).toEqual([0, 0]);
});

test.each(seeds.slice(0, 10))("seed %d: readers that never read hold up nobody else", (seed) => {
  const simulation = new Simulation(seed);
  for (let count = 0; count < 60; count++) simulation.exchange({ stuck: true, bytes: 1_000_000 });
  for (let count = 0; count < 10; count++) simulation.exchange();
  simulation.run();
  const [stuck, others] = [true, false].map((kind) =>
    simulation.exchanges.filter((each) => each.stuck === kind),
  );
  expect(stuck).toHaveLength(60);
  for (const { client } of stuck!) {
    expect(client.outcome).toBeUndefined();
    // What is left of a window is not worth a frame below 1 KiB.
    expect(client.receivedBytes).toBeGreaterThan(limits.initialWindowBytes - 1_024);
    expect(client.receivedBytes).toBeLessThanOrEqual(limits.initialWindowBytes);
  }
  for (const { client } of others!) expect(client.outcome).toBeDefined();
});

test.each(seeds)("seed %d: a cut at any moment ends every stream once, on both sides", (seed) => {
  const simulation = new Simulation(seed);
  for (let count = 0; count < 10; count++) simulation.exchange();
  simulation.cut(simulation.random.below(2_500));
  simulation.run();
  expect(simulation.closes).toHaveLength(2);
  expect([simulation.edge.streams, simulation.agent.streams]).toEqual([0, 0]);
  for (const { client, pod } of simulation.exchanges) {
    expect(client.stream.open).toBe(false);
    if (pod) expect(pod.stream.open).toBe(false);
  }
});

test.each(seeds)("seed %d: draining at any moment loses nothing", (seed) => {
  const simulation = new Simulation(seed);
  for (let count = 0; count < 10; count++) simulation.exchange();
  simulation.clock.after(simulation.random.below(2_500), () => simulation.agent.drain("test"));
  simulation.run();
  expect(simulation.drained).toBe(true);
  for (const { client } of simulation.exchanges) {
    if (typeof client.outcome === "object") expect(client.outcome.code).toBe("cancelled");
    else expect(client.outcome).toBeDefined();
  }
});
