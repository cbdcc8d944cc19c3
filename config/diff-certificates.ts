// What became of the certificates that clients are shown, in words. Snapshots have none, so they come from the models.
import { parseCertificate, type CertificateFields } from "#contract/identity/certificate-fields.ts";
import { decodePem, encodeHex } from "#contract/identity/pem.ts";
import { endsTls } from "#contract/snapshot.ts";
import type { NativeConfig } from "./native/schema.ts";

export interface CertificateChange {
  readonly kind: "added" | "removed" | "changed";
  readonly port: number;
  /** Host names that it is for; of a changed one, those of the newer certificate. */
  readonly names: readonly string[];
  /** For changed ones: what differs, in words. */
  readonly details: readonly string[];
}

/** PEM text of a file that the configuration names; `undefined`: not known. */
export type ReadCertificate = (certFile: string) => string | undefined;

interface Leaf {
  readonly id: string;
  /** In order. */
  readonly names: readonly string[];
  readonly key: string;
  readonly day: string;
}

/** Leaves by port: listeners are called otherwise in each format. `undefined`: one of them cannot be read. */
export type ServedCertificates = ReadonlyMap<number, readonly Leaf[] | undefined>;

export function servedCertificates({ listeners }: NativeConfig, read: ReadCertificate): ServedCertificates {
  const byPort = new Map<number, Map<string, Leaf>>();
  const unknown = new Set<number>();
  for (const { protocol, port, tls } of listeners) {
    if (!endsTls({ protocol, tlsMode: tls?.mode })) continue;
    const leaves = byPort.get(port) ?? new Map<string, Leaf>();
    byPort.set(port, leaves);
    for (const { certificate, certFile } of tls?.certificates ?? []) {
      const pem = certificate ?? (certFile === undefined ? undefined : read(certFile));
      const leaf = pem === undefined ? undefined : readLeaf(pem);
      if (leaf) leaves.set(leaf.id, leaf);
      else unknown.add(port);
    }
  }
  return new Map(
    [...byPort].map(([port, leaves]) => [port, unknown.has(port) ? undefined : [...leaves.values()]]),
  );
}

function readLeaf(pem: string): Leaf | undefined {
  let fields: CertificateFields;
  try {
    const [der] = decodePem("CERTIFICATE", pem);
    if (!der) return undefined;
    fields = parseCertificate(der);
  } catch {
    return undefined;
  }
  return {
    id: encodeHex(fields.der),
    names: fields.dnsNames.map((name) => name.toLowerCase()).toSorted(),
    key: encodeHex(fields.spki),
    day: new Date(fields.notAfterMs).toISOString().slice(0, 10),
  };
}

/** In the order of ports; of those with a certificate that cannot be read nothing is said, as `validate` does. A certificate became the one that is for the same names, or else for some of them. */
export function diffCertificates(before: ServedCertificates, after: ServedCertificates): CertificateChange[] {
  const ports = [...new Set([...before.keys(), ...after.keys()])].sort((a, b) => a - b);
  return ports.flatMap((port) => {
    const [old, now] = [before, after].map((side) => (side.has(port) ? side.get(port) : []));
    if (!old || !now) return [];
    const left = old.filter(({ id }) => !now.some((other) => other.id === id));
    const come = now.filter(({ id }) => !old.some((other) => other.id === id));
    const pairs = pairUp(left, come);
    return [
      ...left
        .filter((leaf) => !pairs.some((pair) => pair.old === leaf))
        .map(({ names }): CertificateChange => ({ kind: "removed", port, names, details: [] })),
      ...come.map((leaf): CertificateChange => {
        const pair = pairs.find((one) => one.now === leaf);
        const { names, day } = leaf;
        if (!pair) return { kind: "added", port, names, details: [`until ${day}`] };
        return { kind: "changed", port, names, details: differences(pair.old, leaf) };
      }),
    ];
  });
}

interface Pair {
  readonly old: Leaf;
  readonly now: Leaf;
}

function pairUp(left: readonly Leaf[], come: readonly Leaf[]): Pair[] {
  const pairs: Pair[] = [];
  for (const isSame of [
    (a: Leaf, b: Leaf): boolean => a.names.join() === b.names.join(),
    (a: Leaf, b: Leaf): boolean => a.names.some((name) => b.names.includes(name)),
  ]) {
    for (const now of come.filter((leaf) => !pairs.some((pair) => pair.now === leaf))) {
      const old = left.find((leaf) => isSame(leaf, now) && !pairs.some((pair) => pair.old === leaf));
      if (old) pairs.push({ old, now });
    }
  }
  return pairs;
}

function differences(old: Leaf, now: Leaf): string[] {
  const gone = old.names.filter((name) => !now.names.includes(name));
  const come = now.names.filter((name) => !old.names.includes(name));
  const found = [
    ...(gone.length > 0 ? [`no longer for ${gone.join(", ")}`] : []),
    ...(come.length > 0 ? [`also for ${come.join(", ")}`] : []),
    ...(old.key === now.key ? [] : ["another key"]),
    ...(old.day === now.day ? [] : [`until ${old.day} -> until ${now.day}`]),
  ];
  return found.length > 0 ? found : ["issued anew, with the same names, key and end"];
}
