// The processes of one system, each with the sockets, secrets and configuration that are its own, and the order in which
// they are replaced and stop.
import type { ChildProcess } from "node:child_process";
import { setTimeout as delay } from "node:timers/promises";
import { gatewayCalls } from "#contract/gateway-call.ts";
import { limits } from "#contract/limits.ts";
import { isLayer4 } from "#contract/snapshot.ts";
import { askUnixSocket } from "../unix-request.ts";
import {
  type DoorListener,
  keepFrontDoor,
  type FrontDoor,
  type TakeConnection,
} from "./front-door-process.ts";
import { GatewaySet } from "./gateway-set.ts";
import { HubSet } from "./hub-set.ts";
import { keepRunning, type KeptProcess, type StartedChild } from "./kept-process.ts";
import { doorListeners, frontDoorOf, tunnelListener } from "./door-listeners.ts";
import type { TunnelTls } from "./hub/settings.ts";
import { OwnAgent } from "./own-agent.ts";
import { leaveClients } from "./leave-clients.ts";
import { useSlot } from "./slots.ts";
import type { SlottedRun } from "./slotted-set.ts";
import { doorSocket, hubProcess, slotPath } from "./socket-plan.ts";
import type { SupervisorTask } from "./supervisor-message.ts";
import { startControl, startGateway, startHub, startState } from "./worker-processes.ts";

/** State and control hold nothing that a client waits for once the doors are closed. */
const shortGraceMs = 3_000;
/** An old front door stays this much longer than the drain timeout, which its gateway's begins later. */
const gatewayStartMs = 10_000;
/** For a front door or a gateway to say that it is alive. */
const arrivalPatienceMs = 10_000;
/** An old tunnel door stays until agents have left the hubs that they reached through it. */
const oldDoorGraceMs = 120_000;

export class Processes {
  readonly gateways: GatewaySet;
  readonly hubs: HubSet;
  readonly agent: OwnAgent;
  readonly #task: SupervisorTask;
  readonly #log: (line: string) => void;
  readonly #kept = new Map<string, KeptProcess>();
  readonly #doors = new Map<string, FrontDoor>();
  /** Those that have been replaced, and finish what is under way. */
  readonly #leavingDoors = new Set<FrontDoor>();
  #tunnelDoor: FrontDoor | undefined;
  #tunnelTls: TunnelTls | undefined;
  #hubsStarted: Promise<void> | undefined;
  #stopping = false;

  /** `createJoinToken`: for the agent of `serve` itself. */
  constructor(task: SupervisorTask, createJoinToken: () => Promise<string>, log: (line: string) => void) {
    this.#task = task;
    this.#log = log;
    const { options, directory, sockets } = task;
    const { drainTimeoutMs } = options;
    const use = ({ name, slot }: SlottedRun): void =>
      useSlot(directory.run, sockets, { process: name, slot });
    this.hubs = new HubSet({
      names: Array.from({ length: limits.hubsPerTunnel }, (_, shard) => hubProcess(shard)),
      runDirectory: directory.run,
      drainTimeoutMs,
      startOne: (run, tls) => startHub(task, run, tls, log),
      use: ({ name, slot }, names) => useSlot(directory.run, sockets, { process: name, slot, names }),
      log,
    });
    this.agent = new OwnAgent(task, createJoinToken, log);
    this.gateways = new GatewaySet({
      names: this.#gatewayNames,
      drainTimeoutMs,
      startOne: (run, endpoints) => startGateway(task, run, endpoints, log),
      use,
      arrived: (run) => this.#arrived(run),
      goodbye: ({ id }) => this.#sayGoodbye(id),
      leave: (run, child) => this.#leaveClients(run, child),
      log,
    });
  }

  startControl(): Promise<void> {
    return this.#keep("control", () => startControl(this.#task, this.#log));
  }

  startState(): Promise<void> {
    return this.#keep("state", () => startState(this.#task, this.#log));
  }

  /** Starts the hubs, if they do not run. Rejects when one does not start; the next call tries again. */
  startHubs(): Promise<void> {
    this.#hubsStarted ??= this.hubs.start().catch((error: unknown) => {
      this.#hubsStarted = undefined;
      throw error;
    });
    return this.#hubsStarted;
  }

  /** Starts one front door beside each gateway, if there is a listener with TLS or HTTP/2. */
  async startFrontDoors(): Promise<void> {
    for (const [name, listeners] of await doorListeners(this.#task))
      this.#doors.set(name, this.#keepFrontDoor(name, listeners));
    await Promise.all([...this.#doors.values()].map(({ ready }) => ready));
  }

  /** Reads the certificate files again. Rejects, with nothing changed, when one is unusable. */
  async reloadCertificates(): Promise<void> {
    for (const [name, listeners] of await doorListeners(this.#task))
      this.#doors.get(name)?.configure(listeners);
  }

  /** Starts the tunnel's port, or gives it and the hubs new certificates. */
  async setTunnel(tls: TunnelTls): Promise<void> {
    this.#tunnelTls = tls;
    this.hubs.setTls(tls);
    if (this.#tunnelDoor) this.#tunnelDoor.configure([tunnelListener(this.#task, tls)]);
    else await this.#openTunnelDoor(tls);
  }

  /** Names of what can be replaced, in the order that fails no request: agents find the new door, then the new hubs. */
  get names(): readonly string[] {
    const tunnel = this.#tunnelDoor ? ["tunnel-door", ...this.hubs.names] : [];
    const agent = this.agent.isRunning ? ["agent"] : [];
    return ["control", "state", ...tunnel, ...agent, ...this.#gatewayNames];
  }

  /** Puts a new process in the place of an old one. Rejects when it does not start; then the old one stays, if it can. */
  async replace(name: string): Promise<void> {
    if (name === "tunnel-door") return this.#openTunnelDoor(this.#tunnelTls!);
    if (name === "agent") return this.agent.replace();
    if (this.hubs.names.includes(name)) return this.hubs.replace(name);
    const kept = this.#kept.get(name);
    if (kept) return kept.restart(shortGraceMs);
    // Its WebSockets are closed with the gateway's, so both are replaced together.
    await this.#replaceFrontDoor(frontDoorOf(name));
    await this.gateways.replace(name);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    const { options, directory } = this.#task;
    const { drainTimeoutMs } = options;
    // Requests under way may still need the tunnel, so its door closes after the listeners'.
    await Promise.all([
      ...[...this.#doors.values()].map((door) => door.drain(drainTimeoutMs)),
      this.gateways.stop(drainTimeoutMs),
    ]);
    await this.agent.stop();
    await this.#tunnelDoor?.stop(shortGraceMs, (child) => child.kill("SIGKILL"));
    await this.hubs.stop(shortGraceMs);
    for (const process of [...this.#kept.values()].toReversed()) await process.stop(shortGraceMs);
    this.#log(`stopped; ${directory.root} keeps the state`);
  }

  get #gatewayNames(): string[] {
    return Array.from({ length: this.#task.options.processes }, (_, index) => `gateway-${index + 1}`);
  }

  async #keep(name: string, start: () => StartedChild): Promise<void> {
    const process = keepRunning(name, start, this.#log);
    this.#kept.set(name, process);
    await process.ready;
  }

  #sayGoodbye(gatewayProcess: string): Promise<void> {
    return this.hubs.goodbye(
      this.#stopping
        ? { gatewayProcess, code: 1001, reason: "the gateway is shutting down" }
        : { gatewayProcess, code: 1012, reason: "the gateway is being replaced" },
    );
  }

  /** A machine may stand still for a while: no time is long enough for front doors and gateway, only their word counts. */
  async #arrived({ name, slot }: SlottedRun): Promise<void> {
    const doors = [...this.#doors.values(), ...this.#leavingDoors];
    const patience = delay(arrivalPatienceMs, undefined, { ref: false });
    await Promise.race([Promise.all(doors.map((door) => door.flush())), patience]);
    const door = slotPath(this.#task.directory.run, name, doorSocket, slot);
    const ping = { method: "POST", path: gatewayCalls.ping, host: "door", body: "" };
    // One that has died reads nothing any more.
    await askUnixSocket(door, { ...ping, timeoutMs: arrivalPatienceMs }).catch(() => undefined);
  }

  /** Front doors see to their clients themselves, and connections of layer 4 are all under way. */
  async #leaveClients({ name, slot }: SlottedRun, child: ChildProcess): Promise<() => void> {
    const { ports, options, directory } = this.#task;
    const direct = ports.filter((group) => !group.behindFrontDoor && !isLayer4(group));
    if (direct.length === 0) return () => undefined;
    return leaveClients({
      door: slotPath(directory.run, name, doorSocket, slot),
      child,
      ports: new Set(direct.map(({ port }) => port + options.portOffset)),
    });
  }

  async #openTunnelDoor(tls: TunnelTls): Promise<void> {
    const listeners = [tunnelListener(this.#task, tls)];
    const take: TakeConnection = ({ shard, start }, socket) => this.hubs.pass(shard, start, socket);
    const next = keepFrontDoor({ name: "tunnel-door", listeners, take }, this.#log);
    await next.ready;
    void this.#tunnelDoor?.drain(oldDoorGraceMs);
    this.#tunnelDoor = next;
  }

  #keepFrontDoor(name: string, listeners: readonly DoorListener[]): FrontDoor {
    return keepFrontDoor({ name, listeners, runDirectory: this.#task.directory.run }, this.#log);
  }

  async #replaceFrontDoor(name: string): Promise<void> {
    const old = this.#doors.get(name);
    if (!old) return;
    const next = this.#keepFrontDoor(name, (await doorListeners(this.#task)).get(name)!);
    await next.ready;
    this.#doors.set(name, next);
    this.#leavingDoors.add(old);
    const drained = old.drain(this.#task.options.drainTimeoutMs + gatewayStartMs);
    void drained.finally(() => this.#leavingDoors.delete(old));
  }
}
