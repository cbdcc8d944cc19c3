// `servers[].tls` → certificates of a listener, and whose certificates of clients are valid.
import { certificateOf, secretText, type InlineCertificate } from "../../kubernetes/certificates.ts";
import { secretKind } from "../../kubernetes/core-kinds.ts";
import type { ListenerInput } from "../../kubernetes/model-parts.ts";
import type { ResourceSet } from "../../kubernetes/resource-set.ts";
import { ingressNamespace, rootNamespace } from "../host.ts";
import type { ServerTls } from "../kinds/gateway.ts";
import { at, ignored, unknownReference, unsupported, type Place } from "../../kubernetes/field-notes.ts";

type Certificate = NonNullable<NonNullable<ListenerInput["tls"]>["certificates"]>[number];

export interface Secrets {
  certificate(namespace: string, name: string): InlineCertificate | string;
  /** Authorities of clients, PEM. */
  authorities(namespace: string, name: string): Authorities | undefined;
}

/** Certificates and authorities, with notes about all that a listener cannot do. */
export function translateServerTls(
  tls: ServerTls,
  namespace: string,
  secrets: Secrets,
  place: Place,
): NonNullable<ListenerInput["tls"]> {
  for (const field of ["minProtocolVersion", "maxProtocolVersion", "cipherSuites", "ecdhCurves"] as const) {
    if (tls[field] === undefined) continue;
    ignored(at(place, field), "TLS 1.2 and 1.3 are spoken, with the ciphers of the runtime");
  }
  const names = tls.credentialNames ?? (tls.credentialName === undefined ? [] : [tls.credentialName]);
  const field = tls.credentialNames ? "credentialNames" : "credentialName";
  const files = tls.tlsCertificates ?? [tls];
  const validation = clientValidation(tls, namespace, secrets, place);
  return {
    certificates: [
      ...names.flatMap((name) => secretCertificate(name, namespace, secrets, at(place, field))),
      ...files.flatMap(({ serverCertificate, privateKey }) =>
        serverCertificate && privateKey ? [{ certFile: serverCertificate, keyFile: privateKey }] : [],
      ),
    ],
    ...(validation && { frontendValidation: validation }),
  };
}

type Validation = NonNullable<NonNullable<ListenerInput["tls"]>["frontendValidation"]>;
type Authorities = Omit<Validation, "mode">;

function clientValidation(
  tls: ServerTls,
  namespace: string,
  secrets: Secrets,
  place: Place,
): Validation | undefined {
  const { mode } = tls;
  for (const field of ["subjectAltNames", "verifyCertificateSpki", "verifyCertificateHash"] as const) {
    if (!tls[field]?.length) continue;
    const message = "of a client's certificate only its authority is checked";
    unsupported(at(place, field), message, "Name the clients in an AuthorizationPolicy: source.principals.");
  }
  if (mode === "ISTIO_MUTUAL") {
    unsupported(
      at(place, "mode"),
      "the authority of the mesh is not in the files",
      "Write MUTUAL with its certificate.",
    );
    return undefined;
  }
  if (mode !== "MUTUAL" && mode !== "OPTIONAL_MUTUAL") return undefined;
  if (tls.insecureSkipVerify) {
    unsupported(at(place, "insecureSkipVerify"), "clients' certificates that are asked for are checked");
    return undefined;
  }
  const authorities = authoritiesOf(tls, namespace, secrets);
  if (!authorities) {
    const message = "the authorities of clients are not in the files, so everyone would pass";
    unsupported(at(place, "mode"), message, "Add the Secret with ca.crt.");
    return undefined;
  }
  return { mode: mode === "MUTUAL" ? "AllowValidOnly" : "AllowInsecureFallback", ...authorities };
}

/** In the Secret itself, in one beside it (`NAME-cacert`), or in a file. */
function authoritiesOf(
  { caCertificates, caCrl, credentialName, credentialNames, caCertCredentialName }: ServerTls,
  namespace: string,
  secrets: Secrets,
): Authorities | undefined {
  const credentials = [credentialName, ...(credentialNames ?? [])].filter((name) => name !== undefined);
  const names = caCertCredentialName
    ? [caCertCredentialName]
    : credentials.flatMap((name) => [`${name}-cacert`, name]);
  for (const name of names) {
    const [given, own] = splitCredential(name);
    for (const candidate of namespacesOf(given, namespace)) {
      const found = secrets.authorities(candidate, own);
      if (found) return found;
    }
  }
  if (!caCertificates) return undefined;
  return { caFiles: [caCertificates], ...(caCrl && { crlFiles: [caCrl] }) };
}

function splitCredential(credential: string): [namespace: string | undefined, name: string] {
  const [first, second] = credential.replace(/^kubernetes:\/\//, "").split("/", 2);
  return second === undefined ? [undefined, first!] : [first, second];
}

function namespacesOf(given: string | undefined, namespace: string): Set<string> {
  return new Set(given === undefined ? [namespace, rootNamespace, ingressNamespace] : [given]);
}

/** Secrets stand where the gateway's pods run: in the namespace of the Gateway, or in that of Istio itself. */
function secretCertificate(
  credential: string,
  namespace: string,
  secrets: Secrets,
  place: Place,
): Certificate[] {
  const [given, name] = splitCredential(credential);
  const namespaces = namespacesOf(given, namespace);
  let problem = "";
  for (const candidate of namespaces) {
    const found = secrets.certificate(candidate, name);
    if (typeof found !== "string") return [{ privateKey: "", ...found }];
    if (found !== "secret-unknown")
      problem = `the Secret ${candidate}/${name} has no certificate with its key`;
  }
  const message = problem || `no Secret ${JSON.stringify(name)} in ${[...namespaces].join(", ")}`;
  unknownReference(place, `${message}: TLS cannot be spoken`);
  return [];
}

export function createSecrets(set: ResourceSet): Secrets {
  return {
    certificate: (namespace, name) => certificatesOf(set, namespace, name),
    authorities: (namespace, name) => {
      const secret = set.get(secretKind, namespace, name);
      const text = secret && (secretText(secret, "ca.crt") ?? secretText(secret, "cacert"));
      if (!text?.includes("-----BEGIN CERTIFICATE-----")) return undefined;
      const crls = secretText(secret!, "ca.crl");
      return { caCertificates: text, ...(crls !== undefined && { crls }) };
    },
  };
}

/** `tls.crt` and `tls.key`, or under the older names of Istio's own. */
function certificatesOf(set: ResourceSet, namespace: string, name: string): InlineCertificate | string {
  const standard = certificateOf(set, namespace, name);
  if (standard !== "secret-incomplete") return standard;
  const secret = set.get(secretKind, namespace, name);
  const certificate = secret && secretText(secret, "cert");
  const privateKey = secret && secretText(secret, "key");
  if (!certificate?.includes("-----BEGIN CERTIFICATE-----") || privateKey === undefined) return standard;
  return { certificate, ...(privateKey !== "" && { privateKey }) };
}
