// TLS towards endpoints: whom the agent trusts, what a certificate must be for, and which one it shows. Files are looked at
// again for each connection, so that a renewal needs no restart.
import { readFile } from "node:fs/promises";
import { isAbsolute, relative, resolve } from "node:path";
import * as tls from "node:tls";
import type { BackendTls, SubjectAltName } from "#contract/backend-tls.ts";
import { keyFileName } from "#contract/backend-tls.ts";
import { parseCertificate } from "#contract/identity/certificate-fields.ts";
import { AgentError, systemCode } from "./agent-error.ts";

export interface EndpointTlsOptions {
  /** The only directories that files are read in. */
  readonly directories: readonly string[];
  /** PEM roots where a backend says nothing; absent: the system's. */
  readonly defaultCaPem?: string | undefined;
}

/** What a handshake needs, whoever the endpoint is. Rejects with `AgentError` `endpoint_tls_unusable`. */
export type EndpointTls = (settings: BackendTls | undefined) => Promise<tls.SecureContext>;

interface Material {
  readonly ca?: string | string[] | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** Contexts that are kept: making one takes a millisecond, and most connections need one of a few. */
const maxContexts = 256;

export function createEndpointTls({ directories, defaultCaPem }: EndpointTlsOptions): EndpointTls {
  const contexts = new Map<string, tls.SecureContext>();
  return async (settings = {}) => {
    const material = await readMaterial(settings, directories, defaultCaPem);
    const subject = JSON.stringify(material);
    const context = contexts.get(subject) ?? createContext(material);
    contexts.delete(subject);
    contexts.set(subject, context);
    if (contexts.size > maxContexts) contexts.delete(contexts.keys().next().value!);
    return context;
  };
}

/** Why the certificate is not the one that the settings ask for; undefined when it is. `address`: of the endpoint. */
export function identityProblem(
  settings: BackendTls | undefined,
  address: string,
  certificate: tls.PeerCertificate,
): Error | undefined {
  const { hostname, subjectAltNames } = settings ?? {};
  if (!subjectAltNames) return tls.checkServerIdentity(hostname ?? address, certificate);
  try {
    const { dnsNames, uris } = parseCertificate(certificate.raw);
    const carries = (wanted: SubjectAltName): boolean =>
      wanted.type === "URI"
        ? uris.includes(wanted.uri)
        : dnsNames.some((name) => coversName(wanted.hostname.toLowerCase(), name.toLowerCase()));
    if (subjectAltNames.some(carries)) return undefined;
  } catch (error) {
    return error as Error;
  }
  const wanted = subjectAltNames.map((name) => (name.type === "URI" ? name.uri : name.hostname)).join(", ");
  const error = new Error(`the certificate carries none of ${wanted}`);
  return Object.assign(error, { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
}

/** A wanted `*.example.com` is every name below; a certificate's `*` stands for one label, the first (RFC 9525 §6.3). */
function coversName(wanted: string, name: string): boolean {
  if (wanted.startsWith("*.")) return name.endsWith(wanted.slice(1));
  return name === wanted || (name.startsWith("*.") && wanted.replace(/^[^.]+/, "*") === name);
}

async function readMaterial(
  { authorities, clientCertificate }: BackendTls,
  directories: readonly string[],
  defaultCaPem: string | undefined,
): Promise<Material> {
  const read = (file: string): Promise<string> => readTlsFile(file, directories);
  const ca = await readAuthorities(authorities, read, defaultCaPem);
  if (!clientCertificate) return { ca };
  if ("certificate" in clientCertificate) {
    const { certificate } = clientCertificate;
    return { ca, cert: certificate, key: await read(await keyFileName(certificate)) };
  }
  const [cert, key] = await Promise.all([read(clientCertificate.certFile), read(clientCertificate.keyFile)]);
  return { ca, cert, key };
}

async function readAuthorities(
  authorities: BackendTls["authorities"],
  read: (file: string) => Promise<string>,
  defaultCaPem: string | undefined,
): Promise<Material["ca"]> {
  if (authorities === undefined) return defaultCaPem ?? systemRoots();
  if (authorities === "System") return systemRoots();
  return "pem" in authorities ? authorities.pem : Promise.all(authorities.files.map(read));
}

let roots: string[] | undefined;

/** Those of the runtime and, where it can tell them, of the system. */
function systemRoots(): string[] {
  // Node 22.15 and later.
  const { getCACertificates } = tls as { getCACertificates?: (type: "default" | "system") => string[] };
  roots ??= getCACertificates
    ? [...new Set([...getCACertificates("default"), ...getCACertificates("system")])]
    : [...tls.rootCertificates];
  return roots;
}

function createContext({ ca, cert, key }: Material): tls.SecureContext {
  try {
    return tls.createSecureContext({
      ...(ca !== undefined && { ca }),
      ...(cert !== undefined && { cert }),
      ...(key !== undefined && { key }),
    });
  } catch (error) {
    const message = `certificates for endpoints cannot be used: ${(error as Error).message}`;
    throw new AgentError("endpoint_tls_unusable", message, { cause: error });
  }
}

/** Throws `AgentError` `endpoint_tls_unusable` that names the file, never what is in it. */
async function readTlsFile(file: string, directories: readonly string[]): Promise<string> {
  const paths = directories.flatMap((directory) => {
    const path = resolve(directory, file);
    return isInside(directory, path) ? [path] : [];
  });
  let code = paths.length > 0 ? "ENOENT" : "not in --tls-dir";
  for (const path of paths) {
    try {
      return await readFile(path, "utf8");
    } catch (error) {
      code = systemCode(error) ?? String(error);
      if (code !== "ENOENT") break;
    }
  }
  throw new AgentError("endpoint_tls_unusable", `cannot read ${file}, for TLS to endpoints: ${code}`, {
    remedy: "Put it into a directory that the agent is given with --tls-dir.",
  });
}

function isInside(directory: string, path: string): boolean {
  const way = relative(directory, path);
  return !isAbsolute(way) && way !== ".." && !way.startsWith("../");
}
