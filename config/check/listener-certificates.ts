// Certificates that do not cover the hosts they are for, or that have expired or soon will.
import { parseCertificate, type CertificateFields } from "#contract/identity/certificate-fields.ts";
import { decodePem } from "#contract/identity/pem.ts";
import { endsTls } from "#contract/snapshot.ts";
import type { NativeConfig, NativeListener } from "../native/schema.ts";
import type { Path, Report } from "../report.ts";
import { hostnameIndex } from "./hostname-index.ts";

/** What the check needs of the world. */
export interface CertificateSource {
  readonly nowMs: number;
  /** PEM text of a file that the configuration names; `undefined`: it cannot be read, which others report. */
  read(certFile: string): string | undefined;
}

/** How long before its end a certificate is spoken of: what renews by itself does so before. */
const soonMs = 21 * 86_400_000;
/** Hosts named in one finding. */
const maxHosts = 5;

export function listenerCertificates(config: NativeConfig, report: Report, source: CertificateSource): void {
  for (const [index, listener] of config.listeners.entries()) {
    const written = listener.tls?.certificates ?? [];
    if (written.length === 0 || !endsTls({ protocol: listener.protocol, tlsMode: listener.tls?.mode }))
      continue;
    const path = ["listeners", index, "tls", "certificates"];
    const leaves = written.map(({ certFile, certificate }, position) => {
      const pem = certificate ?? source.read(certFile!);
      return pem === undefined ? undefined : readLeaf(pem, [...path, position], report);
    });
    for (const [position, leaf] of leaves.entries()) {
      if (leaf) checkValidity(leaf, [...path, position], report, source.nowMs);
    }
    // Of a certificate that cannot be read nobody knows what it covers.
    if (leaves.includes(undefined)) continue;
    const names = leaves.flatMap((leaf) => leaf!.dnsNames.map((name) => name.toLowerCase()));
    const bare = hostsOf(config, listener).filter((host) => !isCovered(host, new Set(names)));
    if (bare.length > 0) noteUncovered(bare, names, path, report);
  }
}

function readLeaf(pem: string, path: Path, report: Report): CertificateFields | undefined {
  try {
    const [leaf] = decodePem("CERTIFICATE", pem);
    if (leaf) return parseCertificate(leaf);
    report.add({ code: "certificate-unreadable", path, message: "no certificate in the PEM text" });
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    report.add({ code: "certificate-unreadable", path, message });
  }
  return undefined;
}

function checkValidity(leaf: CertificateFields, path: Path, report: Report, nowMs: number): void {
  const remedy = "Renew it.";
  if (nowMs < leaf.notBeforeMs) {
    const message = `the certificate is valid from ${dayOf(leaf.notBeforeMs)} only`;
    report.add({ code: "certificate-expired", path, message });
  } else if (nowMs > leaf.notAfterMs) {
    const message = `the certificate has expired on ${dayOf(leaf.notAfterMs)}`;
    report.add({ code: "certificate-expired", path, message, remedy });
  } else if (leaf.notAfterMs - nowMs < soonMs) {
    const message = `the certificate expires on ${dayOf(leaf.notAfterMs)}`;
    report.add({ code: "certificate-expiring", path, message, remedy });
  }
}

function dayOf(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Hosts that clients may ask the listener for: those of its routes that it serves, and its own. */
function hostsOf(config: NativeConfig, listener: NativeListener): string[] {
  const served = hostnameIndex(listener.hostnames);
  const routes = listener.protocol === "TLS" ? config.tlsRoutes : config.routes;
  const attached = routes.filter((route) => route.listeners?.includes(listener.name) ?? true);
  const hosts = [
    ...listener.hostnames,
    ...attached.flatMap(({ hostnames }) => hostnames.filter((host) => served.intersects(host))),
  ];
  return [...new Set(hosts.map((host) => host.toLowerCase()))];
}

/** RFC 9525 §6.3: `*` stands for one whole label, the first. A wildcard host needs that wildcard. */
function isCovered(host: string, names: ReadonlySet<string>): boolean {
  return names.has(host) || names.has(host.replace(/^[^.]+/, "*"));
}

function noteUncovered(hosts: readonly string[], names: readonly string[], path: Path, report: Report): void {
  const shown = hosts.slice(0, maxHosts).join(", ");
  const more = hosts.length > maxHosts ? ` and ${hosts.length - maxHosts} more` : "";
  report.add({
    code: "certificate-hostname",
    path,
    message: `no certificate of the listener covers ${shown}${more}; they are for ${names.slice(0, maxHosts).join(", ") || "no host name"}`,
    remedy: "Add a certificate for them.",
  });
}
