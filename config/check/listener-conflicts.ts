// Listeners that cannot be told apart (Gateway API: port, protocol and hostname are distinct), and TLS without a use.
import type { NativeListener } from "../native/schema.ts";
import type { Check } from "./check.ts";

export const listenerConflicts: Check = (config, report) => {
  if (config.listeners.length === 0) {
    const message = "no listener: nothing accepts traffic";
    const remedy = "Add one, such as { name: web, protocol: HTTP, port: 80 }.";
    report.add({ code: "listener-none", path: ["listeners"], message, remedy });
  }
  const byPort = new Map<number, { protocol: NativeListener; hosts: Map<string, NativeListener> }>();
  for (const [index, listener] of config.listeners.entries()) {
    const { port, protocol } = listener;
    const first = byPort.get(port);
    if (!first) {
      byPort.set(port, {
        protocol: listener,
        hosts: new Map(hostsOf(listener).map((host) => [host, listener])),
      });
      continue;
    }
    if (first.protocol.protocol !== protocol) {
      report.add({
        code: "listener-conflict",
        path: ["listeners", index, "protocol"],
        message: `port ${port} already speaks ${first.protocol.protocol} for listener ${JSON.stringify(first.protocol.name)}; it cannot speak ${protocol}, too`,
        remedy: "Use another port, or the same protocol.",
      });
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

/** `""` stands for every host. */
function hostsOf(listener: NativeListener): string[] {
  if (listener.hostnames.length === 0) return [""];
  return [...new Set(listener.hostnames.map((hostname) => hostname.toLowerCase()))];
}

export const listenerTls: Check = (config, report) => {
  for (const [index, { name, protocol, tls }] of config.listeners.entries()) {
    if (protocol === "HTTP" && tls) {
      report.add({
        code: "listener-tls-unexpected",
        path: ["listeners", index, "tls"],
        at: "key",
        message: `listener ${JSON.stringify(name)} speaks HTTP, so its certificates would never be used`,
        remedy: "Set protocol: HTTPS, or remove tls.",
      });
    }
    if (protocol === "HTTPS" && !tls?.certificates.length) {
      report.add({
        code: "listener-certificates-missing",
        path: ["listeners", index],
        message: `listener ${JSON.stringify(name)} speaks HTTPS but has no certificates`,
        remedy:
          "Add tls.certificates. Without them `isthmus serve` needs --dev-tls; on Cloudflare the edge has the certificates.",
      });
    }
  }
};
