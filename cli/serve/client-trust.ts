// Whose certificates clients of a listener may show: files of authorities that the configuration names, or their text.
import { X509Certificate } from "node:crypto";
import type { NativeListener } from "#config/native/schema.ts";
import { CommandError } from "../command-error.ts";
import { fileFinder } from "../config-files.ts";
import { readPem } from "./listener-certificates.ts";

/** By listener; only those that ask for certificates. */
export type ClientTrusts = Readonly<Record<string, ClientTrustFiles>>;

export interface ClientTrustFiles {
  /** Absolute paths of PEM files. */
  readonly caFiles: readonly string[];
  /** In place of files, PEM. */
  readonly caCertificates?: string;
  /** False: clients without a valid certificate are let in, as nobody. */
  readonly required: boolean;
}

/** Throws `CommandError` `invalid` where a file is missing or holds no certificate. */
export async function clientTrusts(
  listeners: readonly Pick<NativeListener, "name" | "tls">[],
  configFiles: readonly string[],
): Promise<ClientTrusts> {
  const find = fileFinder(configFiles);
  const trusts: Record<string, ClientTrustFiles> = {};
  for (const { name, tls } of listeners) {
    const validation = tls?.frontendValidation;
    if (!validation) continue;
    const { caFiles = [], caCertificates, mode } = validation;
    trusts[name] = {
      caFiles: caFiles.map(find),
      ...(caCertificates !== undefined && { caCertificates }),
      required: mode === "AllowValidOnly",
    };
    await readClientTrust(trusts[name]);
  }
  return trusts;
}

/** All authorities, as PEM. Throws `CommandError` `invalid` that names the file. */
export async function readClientTrust({ caFiles, caCertificates }: ClientTrustFiles): Promise<string> {
  if (caCertificates !== undefined) return checkedPem("caCertificates", caCertificates);
  return (await Promise.all(caFiles.map(async (file) => checkedPem(file, await readPem(file))))).join("\n");
}

function checkedPem(source: string, pem: string): string {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    for (const certificate of certificates) void new X509Certificate(certificate);
  } catch (error) {
    throw new CommandError("invalid", `${source} holds a malformed certificate`, { cause: error });
  }
  if (certificates.length === 0) {
    throw new CommandError("invalid", `${source} holds no certificate`, {
      remedy: "Name a PEM file with the authorities that sign certificates of clients.",
    });
  }
  return certificates.join("\n");
}
