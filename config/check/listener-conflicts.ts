// Listeners that cannot be told apart (Gateway API: port, protocol and hostname are distinct), and TLS or other fields
// that their protocol has no use for.
import { endsTls } from "#contract/snapshot.ts";
import type { NativeListener } from "../native/schema.ts";
import type { Check } from "./check.ts";

/** What all listeners of a port have in common. */
const fieldsOfPort = ["proxyProtocol", "connection"] as const;

export const listenerConflicts: Check = (config, report) => {
  if (config.listeners.length === 0) {
    const message = "no listener: nothing accepts traffic";
    const remedy = "Add one, such as { name: web, protocol: HTTP, port: 80 }.";
    report.add({ code: "listener-none", path: ["listeners"], message, remedy });
  }
  const byPort = new Map<number, { protocol: NativeListener; hosts: Map<string, NativeListener> }>();
  for (const [index, listener] of config.listeners.entries()) {
    const { port } = listener;
    const first = byPort.get(port);
    if (!first) {
      byPort.set(port, {
        protocol: listener,
        hosts: new Map(hostsOf(listener).map((host) => [host, listener])),
      });
      continue;
    }
    const conflict = portConflict(first.protocol, listener);
    if (conflict) {
      const { field, ...finding } = conflict;
      report.add({ code: "listener-conflict", path: ["listeners", index, ...field], ...finding });
      continue;
    }
    for (const host of hostsOf(listener)) {
      const other = first.hosts.get(host);
      if (!other) {
        first.hosts.set(host, listener);
        continue;
      }
      report.add({
        code: "listener-conflict",
        path: ["listeners", index],
        message: `listener ${JSON.stringify(other.name)} already has ${host === "" ? "every host" : host} on port ${port}`,
        remedy: "Give one of them another port or other hostnames.",
      });
    }
  }
};

interface Conflict {
  readonly field: readonly string[];
  readonly message: string;
  readonly remedy: string;
}

/** Why the listener cannot be on one port with the first one there, whatever their hosts. */
function portConflict(first: NativeListener, listener: NativeListener): Conflict | undefined {
  const { port, protocol } = listener;
  const name = JSON.stringify(first.name);
  if (first.protocol === protocol && modeOf(first) !== modeOf(listener)) {
    const message = `TLS on port ${port} already has mode ${modeOf(first)} for listener ${name}; it cannot have mode ${modeOf(listener)}, too`;
    return { field: ["tls"], message, remedy: "Use another port, or the same mode." };
  }
  const differing = fieldsOfPort.find(
    (field) => JSON.stringify(first[field]) !== JSON.stringify(listener[field]),
  );
  if (differing) {
    const message = `listener ${name} on port ${port} has another ${differing}, which counts before it is known whom a connection is for`;
    return { field: [], message, remedy: "Give both the same." };
  }
  if (first.protocol !== protocol && !areToldApart(first, listener)) {
    const message = `port ${port} already speaks ${first.protocol} for listener ${name}; it cannot speak ${protocol}, too`;
    return { field: ["protocol"], message, remedy: "Use another port, or the same protocol." };
  }
  // Requests of HTTPS for another listener than that of their connection are answered 421; nothing of the like is known of
  // other connections.
  if (protocol === "TLS" && first.protocol === "TLS" && validationOf(first) !== validationOf(listener)) {
    const message = `port ${port} validates certificates of clients otherwise for listener ${name}`;
    const remedy = "Give all TLS listeners of a port the same frontendValidation, or use another port.";
    return { field: ["tls"], message, remedy };
  }
  return undefined;
}

/** HTTPS, and TLS that passes through: the server name says which. */
function areToldApart(one: NativeListener, other: NativeListener): boolean {
  const [tls, https] = one.protocol === "TLS" ? [one, other] : [other, one];
  return https.protocol === "HTTPS" && tls.protocol === "TLS" && modeOf(tls) === "Passthrough";
}

function modeOf({ tls }: NativeListener): string {
  return tls?.mode ?? "Terminate";
}

function validationOf({ tls }: NativeListener): string {
  return JSON.stringify(tls?.frontendValidation ?? null);
}

/** `""` stands for every host. */
function hostsOf(listener: NativeListener): string[] {
  if (listener.hostnames.length === 0) return [""];
  return [...new Set(listener.hostnames.map((hostname) => hostname.toLowerCase()))];
}

export const listenerTls: Check = (config, report) => {
  for (const [index, listener] of config.listeners.entries()) {
    const { name, protocol, tls } = listener;
    const unexpected = unexpectedTls(listener);
    if (unexpected) {
      const { field, message, remedy } = unexpected;
      const path = ["listeners", index, "tls", ...field];
      report.add({ code: "listener-tls-unexpected", path, at: "key", message, remedy });
    } else if (endsTls({ protocol, tlsMode: tls?.mode }) && !tls?.certificates.length) {
      report.add({
        code: "listener-certificates-missing",
        path: ["listeners", index],
        message: `listener ${JSON.stringify(name)} speaks ${protocol} but has no certificates`,
        remedy:
          "Add tls.certificates. Without them `isthmus serve` needs --dev-tls; on Cloudflare the edge has the certificates.",
      });
    }
  }
};

interface UnexpectedTls {
  readonly field: readonly string[];
  readonly message: string;
  readonly remedy: string;
}

function unexpectedTls({ name, protocol, tls }: NativeListener): UnexpectedTls | undefined {
  if (!tls) return undefined;
  const listener = `listener ${JSON.stringify(name)}`;
  if (protocol === "HTTP" || protocol === "TCP") {
    const message = `${listener} speaks ${protocol}, so its certificates would never be used`;
    const remedy = `Set protocol: ${protocol === "TCP" ? "TLS" : "HTTPS"}, or remove tls.`;
    return { field: [], message, remedy };
  }
  if (protocol === "TLS" && tls.mode === "Passthrough" && tls.frontendValidation) {
    const message = `TLS of ${listener} passes through: only its endpoints see certificates of clients`;
    return { field: ["frontendValidation"], message, remedy: "Remove it, or set mode: Terminate." };
  }
  if (tls.mode === "Terminate") return undefined;
  if (protocol === "HTTPS") {
    const message = `${listener} speaks HTTPS: requests are not seen where TLS passes through`;
    return { field: ["mode"], message, remedy: "Set protocol: TLS, or mode: Terminate." };
  }
  if (tls.certificates.length === 0) return undefined;
  const message = `TLS of ${listener} passes through, so its certificates would never be used`;
  return { field: ["certificates"], message, remedy: "Remove them, or set mode: Terminate." };
}
