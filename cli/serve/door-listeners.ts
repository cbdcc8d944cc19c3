// What each front-door process listens on, with which certificates, and where it forwards to.
import { limits } from "#contract/limits.ts";
import { shareOfLimits } from "#traffic/connection/connection-queue.ts";
import { type ClientTrustFiles, readClientTrust } from "./client-trust.ts";
import type { DoorListener } from "./front-door-process.ts";
import type { ClientPolicy, NamedPolicy } from "./front-door/settings.ts";
import type { TunnelTls } from "./hub/settings.ts";
import { readKeyPair } from "./listener-certificates.ts";
import { hubProcess, isPort, portSocket, socketPath, type PortGroup } from "./socket-plan.ts";
import type { SupervisorTask } from "./supervisor-message.ts";

/** Name of the front door beside a gateway. */
export const frontDoorOf = (gateway: string): string => gateway.replace("gateway", "front-door");

/** Listeners that need one, by the name of the front-door process that serves them. */
export async function doorListeners(task: SupervisorTask): Promise<Map<string, DoorListener[]>> {
  const { ports, certificates, trusts, directory, options, sockets } = task;
  const doors = new Map<string, DoorListener[]>();
  for (let index = 1; index <= options.processes; index += 1) {
    const name = `front-door-${index}`;
    const listeners: DoorListener[] = [];
    for (const group of ports) {
      if (!group.behindFrontDoor || group.isPassed) continue;
      const passed = ports.find(
        ({ port, addresses, isPassed }) =>
          isPassed && port === group.port && addresses[0] === group.addresses[0],
      );
      const first = group.listeners[0]!;
      const files = group.listeners.flatMap((listener) => certificates[listener.name] ?? []);
      const policies = await Promise.all(
        group.listeners.map(async ({ name, hostnames }): Promise<NamedPolicy> => ({
          hostnames,
          ...(await clientPolicy(trusts[name])),
        })),
      );
      const { hostnames: _names, ...policy } = policies[0]!;
      listeners.push({
        name: group.listeners.map((listener) => listener.name).join(", "),
        kind: doorKind(group),
        upstreams: [socketPath(directory.run, `gateway-${index}`, portSocket(group))],
        certificates: await Promise.all(files.map(readKeyPair)),
        ...policy,
        ...((passed || policies.some((other) => differs(policy, other))) && { policies }),
        ...(passed && {
          passed: {
            hostnames: passed.listeners.flatMap(({ hostnames }) => (hostnames.length > 0 ? hostnames : [""])),
            upstream: socketPath(directory.run, `gateway-${index}`, portSocket(passed)),
          },
        }),
        ...(group.listeners.some(({ http2 }) => http2) && { http2: true }),
        ...(first.proxyProtocol && { proxyProtocol: first.proxyProtocol }),
        ...(first.connection && {
          connection: shareOfLimits(first.connection, index - 1, options.processes),
        }),
        sockets: sockets.filter((socket) => socket.process === name && isPort(group, socket)),
      });
    }
    if (listeners.length > 0) doors.set(name, listeners);
  }
  return doors;
}

async function clientPolicy(trust: ClientTrustFiles | undefined): Promise<ClientPolicy> {
  if (!trust) return { trustPem: "", crls: [] };
  return {
    clientCertificates: trust.required ? "required" : "optional",
    ...(await readClientTrust(trust)),
  };
}

function differs(one: ClientPolicy, { hostnames: _names, ...other }: NamedPolicy): boolean {
  return JSON.stringify(one) !== JSON.stringify(other);
}

function doorKind({ protocol }: PortGroup): DoorListener["kind"] {
  if (protocol === "TLS") return "tls";
  return protocol === "HTTPS" ? "https" : "http";
}

export function tunnelListener(
  { directory, sockets }: SupervisorTask,
  { certificate, trustPem }: TunnelTls,
): DoorListener {
  return {
    name: "tunnel",
    kind: "tunnel",
    upstreams: Array.from({ length: limits.hubsPerTunnel }, (_, shard) =>
      socketPath(directory.run, hubProcess(shard), "tunnel"),
    ),
    certificates: [certificate],
    trustPem,
    crls: [],
    sockets: sockets.filter(({ process }) => process === "tunnel-door"),
  };
}
