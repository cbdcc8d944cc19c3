// Follows the control while the system runs: direct endpoints of a new version, roots of a new trust document, the
// tunnel's next certificate, and certificate files that were renewed.
import { rename, writeFile } from "node:fs/promises";
import type { VersionOutline } from "#contract/admin.ts";
import { ownTunnel } from "#contract/snapshot.ts";
import type { Trust } from "#contract/sync.ts";
import type { AdminClient } from "../admin-client.ts";
import { watchCertificateFiles, type CertificateFiles } from "./certificate-files.ts";
import { directEndpoints } from "./direct-endpoints.ts";
import type { Processes } from "./processes.ts";
import { groupByPort, portSocket } from "./socket-plan.ts";
import type { SupervisorTask } from "./supervisor-message.ts";
import { issueTunnelCertificate, type TunnelCertificate } from "./tunnel-certificate.ts";

const intervalMs = 1_000;

export class ControlFollower {
  readonly #task: SupervisorTask;
  readonly #client: AdminClient;
  readonly #processes: Processes;
  readonly #log: (line: string) => void;
  readonly #files: CertificateFiles;
  #version = 0;
  #needs = { hubs: false, ownAgent: false };
  #trustVersion = 0;
  #certificate: TunnelCertificate | undefined;
  #lastProblem = "";
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(task: SupervisorTask, client: AdminClient, processes: Processes, log: (line: string) => void) {
    this.#task = task;
    this.#client = client;
    this.#processes = processes;
    this.#log = log;
    this.#files = watchCertificateFiles([
      ...Object.values(task.certificates).flatMap((pairs) =>
        pairs.flatMap((pair) => [pair.certFile, pair.keyFile]),
      ),
      ...Object.values(task.trusts).flatMap(({ caFiles, crlFiles }) => [...caFiles, ...crlFiles]),
    ]);
  }

  /** Writes the trust bundle, and starts what tunnels need, the agent of `serve` itself included. */
  async startTunnels(version: VersionOutline): Promise<void> {
    this.#needs = tunnelNeeds(version);
    if (this.#acceptsAgents) await this.#processes.startHubs();
    await this.#followTrust();
    await this.#startAgent();
  }

  /** Looks once a second from now on; `version` is what the gateways run. */
  async start(version: number): Promise<void> {
    this.#version = version;
    await this.#files.changed();
    this.#schedule();
  }

  async reloadCertificates(): Promise<void> {
    try {
      await this.#processes.reloadCertificates();
      this.#log("certificates read again");
    } catch (error) {
      this.#log(`certificates stay as they were: ${messageOf(error)}`);
    }
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    if (!this.#stopped) this.#timer = setTimeout(() => void this.#look(), intervalMs);
  }

  async #look(): Promise<void> {
    let problem = "";
    try {
      await this.#followVersion();
      await this.#followTunnels();
    } catch (error) {
      problem = messageOf(error);
    }
    // Said once, not every second of an outage.
    if (problem !== "" && problem !== this.#lastProblem && !this.#stopped) this.#log(problem);
    this.#lastProblem = problem;
    if (await this.#files.changed()) await this.reloadCertificates();
    this.#schedule();
  }

  async #followVersion(): Promise<void> {
    const current = (await this.#client.versions({ limit: 1 })).versions[0];
    if (!current || current.version <= this.#version) return;
    const outline = await this.#client.outline();
    const { version } = outline;
    this.#version = version;
    const open = new Map(this.#task.ports.map((group) => [portSocket(group), group]));
    for (const wanted of groupByPort(outline.listeners)) {
      const { port, listeners, behindFrontDoor } = wanted;
      const names = listeners.map(({ name }) => name).join(", ");
      const group = open.get(portSocket(wanted));
      const next = "at the next start of serve";
      if (!group) this.#log(`version ${version}: listener ${names} on port ${port} opens ${next}`);
      else if (group.behindFrontDoor !== behindFrontDoor) {
        this.#log(
          `version ${version}: listener ${names} changes how it speaks HTTP/2, or the PROXY protocol, ${next}`,
        );
      }
    }
    this.#needs = tunnelNeeds(outline);
    const endpoints = directEndpoints(outline, this.#task.options.connectTo);
    // Nothing that tunnels need may keep the gateways from what they need, nor the other way round.
    await Promise.all([this.#processes.gateways.roll(endpoints), this.#followTunnels()]);
  }

  /** Hubs, door and agent stay once they run: the next version may need them again. */
  async #followTunnels(): Promise<void> {
    if (this.#acceptsAgents) await this.#processes.startHubs();
    await this.#followTrust();
    await this.#startAgent();
    await this.#processes.agent.keepToken();
  }

  async #startAgent(): Promise<void> {
    if (this.#needs.ownAgent && !this.#processes.agent.isRunning) await this.#processes.agent.start();
  }

  get #acceptsAgents(): boolean {
    return this.#task.options.tunnel !== undefined || this.#needs.hubs;
  }

  async #followTrust(): Promise<void> {
    const trust = await this.#client.trust();
    const isNew = trust.version > this.#trustVersion;
    const isDue = this.#isCertificateDue(trust.signer, Date.now());
    if (isNew) await writeTrustBundle(this.#task.directory.trustBundle, trust.trustBundlePem);
    const { tunnelNames } = this.#task.options;
    if (this.#acceptsAgents && (isNew || isDue)) {
      if (isDue) this.#certificate = await issueTunnelCertificate(this.#client, tunnelNames, Date.now());
      await this.#processes.setTunnel({ certificate: this.#certificate!, trustPem: trust.trustBundlePem });
    }
    this.#trustVersion = trust.version;
  }

  /** At half of its life, or when another authority has taken over. */
  #isCertificateDue(signer: Trust["signer"], nowMs: number): boolean {
    if (!this.#certificate || nowMs >= this.#certificate.renewAtMs) return true;
    const { authorityKeyIdentifier } = this.#certificate;
    return signer !== undefined && nowMs >= signer.fromMs && signer.keyIdentifier !== authorityKeyIdentifier;
  }
}

/** What the backends of a snapshot need beside the gateways. */
function tunnelNeeds({ backends }: VersionOutline): { hubs: boolean; ownAgent: boolean } {
  return {
    hubs: backends.some(({ tunnel }) => tunnel !== undefined),
    ownAgent: backends.some(({ tunnel }) => tunnel === ownTunnel),
  };
}

/** Agents on this machine may read it at any moment. */
async function writeTrustBundle(path: string, pem: string): Promise<void> {
  await writeFile(`${path}.new`, pem);
  await rename(`${path}.new`, path);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
