import { expect, test } from "vitest";
import { limits } from "#contract/limits.ts";
import type { OpenHead } from "#contract/tunnel/head.ts";
import { agentSettings, forwardHubSettings, hubSettings } from "#contract/tunnel/settings.ts";
import { TunnelSession } from "./session.ts";
import type { SessionHandlers } from "./session.ts";
import { type JointEnd, StreamJoint } from "./stream-joint.ts";
import { Random } from "./testing/random.ts";
import { type PartyPlan, SimulatedParty } from "./testing/simulated-party.ts";
import { VirtualClock, VirtualWire } from "./testing/virtual-network.ts";

const head: OpenHead = {
  kind: "http",
  endpoint: "db|10.0.0.1:5432",
  method: "POST",
  scheme: "",
  authority: "",
  target: "",
  fields: [],
};

/** A client's session and an agent's at one hub that joins their streams. */
class Hub {
  readonly clock = new VirtualClock();
  readonly random: Random;
  readonly ends: JointEnd[] = [];
  readonly client: TunnelSession;
  readonly forAgent: TunnelSession;
  joint: StreamJoint | undefined;
  endpoint: SimulatedParty | undefined;
  /** Most that the hub held at a time. */
  heldBytes = 0;
  readonly #forClient: TunnelSession;

  constructor(seed: number, endpointPlan: PartyPlan) {
    this.random = new Random(seed);
    const [client, forClient] = this.#pair([agentSettings, forwardHubSettings], {
      onStream: (stream) => {
        this.joint = new StreamJoint(stream, (end) => this.ends.push(end));
        // As long as an agent takes to connect: what the client sends meanwhile waits.
        this.clock.after(this.random.below(200), () => this.#connect(this.joint!));
        return this.joint.openerHandlers;
      },
    });
    const [agent, forAgent] = this.#pair([agentSettings, hubSettings], {}, (stream) => {
      this.endpoint = new SimulatedParty(endpointPlan, this.clock, this.random, true);
      return this.endpoint.start(stream);
    });
    void agent;
    this.client = client;
    this.#forClient = forClient;
    this.forAgent = forAgent;
  }

  #connect(joint: StreamJoint): void {
    if (joint.over) return;
    const handlers = { ...joint.answererHandlers, onHead: () => joint.connect() };
    joint.attempt(this.forAgent.open(head, handlers, false)!);
  }

  #pair(
    [near, far]: [typeof agentSettings, typeof agentSettings],
    hub: Partial<SessionHandlers>,
    onStream: SessionHandlers["onStream"] = () => "refused",
  ): [TunnelSession, TunnelSession] {
    const sessions: TunnelSession[] = [];
    const wires = [1, 0].map(
      (to) => new VirtualWire(this.clock, this.random, (m) => sessions[to]!.receive(m, this.clock.nowMs)),
    );
    const make = (index: 0 | 1, handlers: Partial<SessionHandlers>): TunnelSession =>
      new TunnelSession(
        {
          role: index === 0 ? "agent" : "edge",
          local: index === 0 ? near : far,
          remote: index === 0 ? far : near,
          send: (message) => wires[index]!.send(message),
          schedule: (flush) => this.clock.after(0, flush),
          handlers: { onStream: () => "refused", onControl: () => {}, onClose: () => {}, ...handlers },
        },
        0,
      );
    sessions.push(make(0, { onStream }), make(1, hub));
    return [sessions[0]!, sessions[1]!];
  }

  run(untilMs: number): void {
    this.clock.run(untilMs, () => {
      const held = this.#forClient.unconsumedBytes + this.forAgent.unconsumedBytes;
      this.heldBytes = Math.max(this.heldBytes, held);
    });
  }

  dial(plan: PartyPlan): SimulatedParty {
    const party = new SimulatedParty(plan, this.clock, this.random, false);
    return party.start(this.client.open(head, { ...handlersOf(party), onHead: () => undefined }, false)!);
  }
}

const handlersOf = (party: SimulatedParty) => ({
  onData: (chunk: Uint8Array) => party.onData(chunk),
  onEnd: () => party.onEnd([]),
  onReset: (reset: Parameters<SimulatedParty["onReset"]>[0]) => party.onReset(reset),
  onWritable: () => party.onWritable(),
});

const seed = Math.floor(Math.random() * 2 ** 30);

test(`bytes arrive whole, at any pace, and each direction ends by itself (seed ${seed})`, () => {
  for (let run = 0; run < 40; run += 1) {
    const random = new Random(seed + run);
    const [up, down] = [0, 1].map(() => random.pick([0, 1, 5_000, 300_000, 2_000_000])) as [number, number];
    const plan = (sendBytes: number, receiveBytes: number): PartyPlan => {
      return { sendBytes, receiveBytes, readDelayMs: random.pick([0, 1, 30]) };
    };
    const hub = new Hub(seed + run, plan(down, up));
    const client = hub.dial(plan(up, down));
    hub.run(3_600_000);
    const result = [client.outcome, hub.endpoint?.outcome, client.problem, hub.endpoint?.problem, hub.ends];
    expect(result, `seed ${seed + run}`).toEqual(["ended", "ended", undefined, undefined, [{}]]);
    expect([client.receivedBytes, hub.joint!.bytes]).toEqual([down, { up, down }]);
    expect(hub.heldBytes).toBeLessThanOrEqual(2 * limits.streamWindowBytes);
  }
});

test(`whoever gives up, the other side hears of it (seed ${seed})`, () => {
  for (let run = 0; run < 40; run += 1) {
    const random = new Random(seed + run);
    const quitter = random.pick(["client", "endpoint"]);
    const plan = (who: string): PartyPlan => ({
      // Too slow to be finished before.
      sendBytes: 2_000_000,
      receiveBytes: 2_000_000,
      readDelayMs: 300,
      ...(who === quitter && { resetAfterMs: random.below(500) }),
    });
    const hub = new Hub(seed + run, plan("endpoint"));
    const client = hub.dial(plan("client"));
    hub.run(3_600_000);
    const reset = expect.objectContaining({ code: "cancelled" });
    const by = quitter === "client" ? "opener" : "answerer";
    expect(hub.ends, `seed ${seed + run}`).toEqual([{ reset, by }]);
    const { outcome } = hub.endpoint ?? {};
    expect(client.outcome).toEqual(quitter === "client" ? "gave up" : reset);
    // The client may have left before an agent was asked.
    if (hub.endpoint) expect(outcome).toEqual(quitter === "client" ? reset : "gave up");
    expect([hub.client.streams, hub.forAgent.streams]).toEqual([0, 0]);
  }
});

test("a reader that never reads holds the windows of both streams, and no more", () => {
  const hub = new Hub(1, { sendBytes: 50_000_000, receiveBytes: 0, readDelayMs: 0 });
  hub.dial({ sendBytes: 0, receiveBytes: 50_000_000, readDelayMs: Infinity });
  hub.run(600_000);
  expect(hub.ends).toEqual([]);
  expect(hub.heldBytes).toBeLessThanOrEqual(limits.streamWindowBytes);
});

test("nobody to connect to: the client's stream is reset with the reason", () => {
  const hub = new Hub(1, { sendBytes: 0, receiveBytes: 0, readDelayMs: 0 });
  const client = hub.dial({ sendBytes: 10, receiveBytes: 0, readDelayMs: 0 });
  hub.run(25);
  hub.joint!.refuse("refused", "no agent");
  hub.run(3_600_000);
  expect(client.outcome).toMatchObject({ code: "refused", detail: "no agent" });
  expect(hub.ends).toMatchObject([{ reset: { code: "refused" } }]);
});
