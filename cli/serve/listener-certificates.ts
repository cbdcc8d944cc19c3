// Certificates of the listeners that end TLS: the files that the configuration names, or a generated one for development.
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { NativeListener } from "#config/native/schema.ts";
import { endsTls, type Snapshot, type SnapshotListener } from "#contract/snapshot.ts";
import { CommandError, systemCode } from "../command-error.ts";
import { fileFinder } from "../config-files.ts";
import { checkKeyPair } from "./front-door/certificate-choice.ts";
import type { KeyPair } from "./front-door/settings.ts";

/** Absolute paths of PEM files. */
export interface KeyPairFiles {
  readonly certFile: string;
  readonly keyFile: string;
}

interface TlsListener {
  readonly name: string;
  readonly protocol: SnapshotListener["protocol"];
  readonly tls?:
    | { readonly mode?: SnapshotListener["tlsMode"]; readonly certificates: readonly ListenerCertificate[] }
    | undefined;
}

/** Files, or the PEM text itself. */
type ListenerCertificate = NonNullable<NativeListener["tls"]>["certificates"][number];

export interface CertificateSources {
  /** Those that the listeners are from. */
  readonly configFiles: readonly string[];
  /** For listeners without certificates. */
  readonly devCertificate: KeyPairFiles | undefined;
  /** A directory that only this user may read: certificates that are no files become ones there. */
  readonly inlineDirectory: string;
}

/**
 * Key pair files of each listener that ends TLS. Throws `CommandError` `invalid` where a file is missing or unusable, or a listener would have no certificate.
 */
export async function listenerCertificates(
  listeners: readonly TlsListener[],
  { configFiles, devCertificate, inlineDirectory }: CertificateSources,
): Promise<Record<string, KeyPairFiles[]>> {
  const find = fileFinder(configFiles);
  const found: Record<string, KeyPairFiles[]> = {};
  for (const { name, protocol, tls } of listeners) {
    if (!endsTls({ protocol, tlsMode: tls?.mode })) continue;
    const written = tls?.certificates ?? [];
    found[name] = await Promise.all(
      written.map(({ certFile, keyFile, certificate, privateKey }) =>
        certificate === undefined
          ? { certFile: find(certFile!), keyFile: find(keyFile!) }
          : writeInline(name, { certPem: certificate, keyPem: privateKey ?? "" }, inlineDirectory),
      ),
    );
    if (devCertificate && written.length === 0) found[name].push(devCertificate);
    if (found[name].length === 0) {
      throw new CommandError("invalid", `listener ${name} speaks ${protocol} but has no certificate`, {
        remedy: "Add tls.certificates, or use --dev-tls for a generated certificate.",
      });
    }
    await Promise.all(found[name].map(readKeyPair));
  }
  return found;
}

async function writeInline(
  listener: string,
  { certPem, keyPem }: KeyPair,
  directory: string,
): Promise<KeyPairFiles> {
  if (keyPem === "") {
    throw new CommandError("invalid", `listener ${listener} has a certificate without its private key`, {
      remedy: "Serve the files that hold the key; what the control hands out does not.",
    });
  }
  const base = join(directory, `inline-${createHash("sha256").update(certPem).digest("hex").slice(0, 32)}`);
  const files = { certFile: `${base}.crt`, keyFile: `${base}.key` };
  await writeFile(files.certFile, certPem, { mode: 0o600 });
  await writeFile(files.keyFile, keyPem, { mode: 0o600 });
  return files;
}

/** Reads and checks a pair. Throws `CommandError` `invalid` that names the files. */
export async function readKeyPair({ certFile, keyFile }: KeyPairFiles): Promise<KeyPair> {
  const pair = { certPem: await readPem(certFile), keyPem: await readPem(keyFile) };
  try {
    checkKeyPair(pair);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new CommandError(
      "invalid",
      `cannot use the certificate ${certFile} with the key ${keyFile}: ${why}`,
      {
        cause: error,
      },
    );
  }
  return pair;
}

/** Throws `CommandError` `invalid` that names the file. */
export async function readPem(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new CommandError("invalid", `cannot read ${path}: ${systemCode(error) ?? String(error)}`, {
      remedy: "Certificate paths count from the configuration file.",
      cause: error,
    });
  }
}

/** Names that a development certificate must carry so that every listener and route can be tried. */
export function developmentNames(snapshot: Snapshot): string[] {
  const names = new Set<string>();
  for (const listener of snapshot.listeners)
    if (endsTls(listener)) for (const name of listener.hostnames) names.add(name.toLowerCase());
  for (const { hostnames } of [...snapshot.routes, ...(snapshot.tlsRoutes ?? [])])
    for (const name of hostnames) names.add(name.toLowerCase());
  // A certificate with thousands of names breaks clients before it helps anyone.
  return [...names].slice(0, 200);
}
