// Listeners that cannot be told apart (Gateway API: port, protocol and hostname are distinct), and TLS or other fields
// that their protocol has no use for.
import { endsTls } from "#contract/snapshot.ts";
import { parseAddress } from "../native/address.ts";
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
  // An address that a listener names for itself is told apart from every address.
  for (const { index, conflict } of conflictsOf(config.listeners, addressesOf)) {
    const { field, ...finding } = conflict;
    report.add({ code: "listener-conflict", path: ["listeners", index, ...field], ...finding });
  }
};

/** A Worker at Cloudflare's edge is not told which address a client has connected to. */
export const edgeAddresses: Check = ({ listeners }, report) => {
  const said = new Set(conflictsOf(listeners, addressesOf).map(({ index }) => index));
  for (const { index, conflict } of conflictsOf(listeners, () => [""])) {
    if (said.has(index)) continue;
    report.add({
      code: "listener-conflict",
      path: ["listeners", index],
      message: `Cloudflare's edge does not tell addresses apart: ${conflict.message}`,
      remedy: "Run the gateway with `isthmus serve`, or give one of them another port or other hostnames.",
    });
  }
};

interface Found {
  readonly index: number;
  readonly conflict: Conflict;
}

function conflictsOf(
  listeners: readonly NativeListener[],
  addresses: (listener: NativeListener) => readonly string[],
): Found[] {
  const places = new Map<string, Taken>();
  const found = [...listeners.entries()].flatMap(([index, listener]): Found[] => {
    for (const address of addresses(listener)) {
      const place = placeOf(listener, address);
      const taken = places.get(place) ?? { first: listener, hosts: new Map<string, NativeListener>() };
      const conflicts = conflictsWith(taken, listener);
      if (conflicts.length > 0) return conflicts.map((conflict) => ({ index, conflict }));
      for (const host of hostsOf(listener)) taken.hosts.set(host, listener);
      places.set(place, taken);
    }
    return [];
  });
  // What accepts everywhere does so at a named address, too, with the hosts that are left to it.
  const everywhere = [...listeners.entries()].flatMap(([index, listener]): Found[] => {
    for (const address of addresses(listener).filter((text) => text !== "")) {
      const { first, hosts } = places.get(placeOf(listener, address)) ?? {};
      if (first !== listener) continue;
      const left = places.get(placeOf(listener, ""))?.hosts.entries() ?? [];
      for (const [host, other] of left) {
        const conflict = hosts!.has(host) ? undefined : portConflict(other, listener);
        if (conflict) return [{ index, conflict }];
      }
    }
    return [];
  });
  return [...found, ...everywhere];
}

const placeOf = ({ port }: NativeListener, address: string): string => `${port} ${address}`;

/** At one address of a port. */
interface Taken {
  readonly first: NativeListener;
  readonly hosts: Map<string, NativeListener>;
}

/** `""` stands for every address that no listener of the port names. */
function addressesOf({ addresses }: NativeListener): readonly string[] {
  if (!addresses) return [""];
  return [...new Set(addresses.map((address) => parseAddress(address)?.canonical ?? address))];
}

function conflictsWith({ first, hosts }: Taken, listener: NativeListener): Conflict[] {
  const conflict = first === listener ? undefined : portConflict(first, listener);
  if (conflict) return [conflict];
  return hostsOf(listener).flatMap((host) => {
    const other = hosts.get(host);
    if (!other) return [];
    const message = `listener ${JSON.stringify(other.name)} already has ${host === "" ? "every host" : host} on port ${listener.port}`;
    return [
      { field: [], message, remedy: "Give one of them another port, other addresses or other hostnames." },
    ];
  });
}

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
