// Whose certificates clients of a listener may show, and which of them are revoked: files that the configuration names, or
// their text.
import { X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
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
  readonly crlFiles: readonly string[];
  readonly crls?: string;
  /** False: clients without a valid certificate are let in, as nobody. */
  readonly required: boolean;
}

/** What a listener holds certificates of clients against. */
export interface ClientTrust {
  /** All authorities, PEM. */
  readonly trustPem: string;
  /** All lists of revoked certificates, PEM each; empty: none is looked up. */
  readonly crls: readonly string[];
}

/** Throws `CommandError` `invalid` where a file is missing or does not hold what it should. */
export async function clientTrusts(
  listeners: readonly Pick<NativeListener, "name" | "tls">[],
  configFiles: readonly string[],
): Promise<ClientTrusts> {
  const find = fileFinder(configFiles);
  const trusts: Record<string, ClientTrustFiles> = {};
  for (const { name, tls } of listeners) {
    const validation = tls?.frontendValidation;
    if (!validation) continue;
    const { caFiles = [], caCertificates, crlFiles = [], crls, mode } = validation;
    trusts[name] = {
      caFiles: caFiles.map(find),
      ...(caCertificates !== undefined && { caCertificates }),
      crlFiles: crlFiles.map(find),
      ...(crls !== undefined && { crls }),
      required: mode === "AllowValidOnly",
    };
    await readClientTrust(trusts[name]);
  }
  return trusts;
}

/** Throws `CommandError` `invalid` that names the file. */
export async function readClientTrust(trust: ClientTrustFiles): Promise<ClientTrust> {
  const { caFiles, caCertificates, crlFiles, crls } = trust;
  const [authorities, lists] = await Promise.all([
    readAll("caCertificates", caCertificates, caFiles),
    readAll("crls", crls, crlFiles),
  ]);
  return {
    trustPem: authorities.map(([source, pem]) => checkedAuthorities(source, pem)).join("\n"),
    crls: lists.flatMap(([source, pem]) => checkedRevocations(source, pem)),
  };
}

/** Throws `CommandError` `invalid` that names the file where it cannot be read or holds no certificate. */
export async function checkAuthorities(file: string): Promise<void> {
  checkedAuthorities(file, await readPem(file));
}

/** Where each text is from, and the text. */
function readAll(
  name: string,
  text: string | undefined,
  files: readonly string[],
): Promise<[string, string][]> {
  if (text !== undefined) return Promise.resolve([[name, text]]);
  return Promise.all(files.map(async (file): Promise<[string, string]> => [file, await readPem(file)]));
}

function checkedRevocations(source: string, pem: string): string[] {
  const lists = pem.match(/-----BEGIN X509 CRL-----[^-]+-----END X509 CRL-----/g) ?? [];
  try {
    createSecureContext({ crl: lists });
  } catch (error) {
    throw new CommandError("invalid", `${source} holds a malformed list of revoked certificates`, {
      cause: error,
    });
  }
  if (lists.length === 0) {
    throw new CommandError("invalid", `${source} holds no list of revoked certificates`, {
      remedy: "Name a PEM file with X509 CRL blocks, such as `openssl ca -gencrl` writes.",
    });
  }
  return lists;
}

function checkedAuthorities(source: string, pem: string): string {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    for (const certificate of certificates) void new X509Certificate(certificate);
  } catch (error) {
    throw new CommandError("invalid", `${source} holds a malformed certificate`, { cause: error });
  }
  if (certificates.length === 0) {
    throw new CommandError("invalid", `${source} holds no certificate`, {
      remedy: "Name a PEM file with the authorities that sign the certificates.",
    });
  }
  return certificates.join("\n");
}
