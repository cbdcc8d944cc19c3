// `trafficPolicy.tls` → TLS towards the endpoints: whom the gateway trusts, under which name, and what it shows them.
import { preciseHostnameSchema } from "#contract/http-route.ts";
import { secretText } from "../../kubernetes/certificates.ts";
import { secretKind } from "../../kubernetes/core-kinds.ts";
import type { BackendInput } from "../../kubernetes/model-parts.ts";
import type { ResourceSet } from "../../kubernetes/resource-set.ts";
import type { ClientTls } from "../kinds/destination-rule.ts";
import {
  approximated,
  at,
  unknownReference,
  unsupported,
  unverified,
  type Place,
} from "../../kubernetes/field-notes.ts";
import type { Upstream } from "./upstreams.ts";

type TlsInput = NonNullable<BackendInput["tls"]>;
type SubjectAltName = NonNullable<TlsInput["subjectAltNames"]>[number];

/** Undefined: plain text. Empty: verified against the endpoint's address, which the runtime does itself. */
export function translateClientTls(
  tls: ClientTls,
  upstream: Upstream,
  set: ResourceSet,
  place: Place,
): TlsInput | undefined {
  const { mode = "DISABLE" } = tls;
  if (mode === "DISABLE") return undefined;
  if (mode === "ISTIO_MUTUAL") {
    if (upstream.tunnel === undefined) {
      const message = "the gateway has no certificate of the mesh: these endpoints are dialled in plain text";
      approximated(at(place, "mode"), message, "Annotate the Service with isthmus.dev/tunnel: NAME.");
    }
    return undefined;
  }
  const credential = credentialOf(tls, set, place);
  return {
    ...hostnameOf(tls, upstream, place),
    ...verificationOf(tls, upstream, credential, place),
    ...(mode === "MUTUAL" && clientCertificateOf(tls, credential, place)),
  };
}

/** What a credential's Secrets hold, in Kubernetes' words or in Istio's. */
interface Credential {
  readonly certificate: string | undefined;
  readonly privateKey: string | undefined;
  readonly authorities: string | undefined;
}

/** Of the DestinationRule's namespace; authorities may stand in a Secret beside it (`NAME-cacert`). */
function credentialOf({ credentialName }: ClientTls, set: ResourceSet, place: Place): Credential | undefined {
  if (credentialName === undefined) return undefined;
  const { namespace } = place.object;
  const secret = set.get(secretKind, namespace, credentialName);
  const beside = set.get(secretKind, namespace, `${credentialName}-cacert`);
  if (!secret && !beside) {
    const message = `there is no Secret ${JSON.stringify(`${namespace}/${credentialName}`)}: endpoints are verified by the system's authorities, and shown nothing`;
    unknownReference(at(place, "credentialName"), message);
    return undefined;
  }
  const text = (...fields: readonly string[]): string | undefined =>
    fields
      .flatMap((field) => [secret && secretText(secret, field), beside && secretText(beside, field)])
      .find((found) => found !== undefined);
  return {
    certificate: text("tls.crt", "cert"),
    privateKey: text("tls.key", "key"),
    authorities: text("ca.crt", "cacert"),
  };
}

/** A name that the address has anyway needs no word. */
function hostnameOf({ sni }: ClientTls, upstream: Upstream, place: Place): Pick<TlsInput, "hostname"> {
  if (sni === undefined || sni === "") return {};
  const isAddress = upstream.endpoints(undefined).every(({ address }) => address === sni);
  if (isAddress) return {};
  if (preciseHostnameSchema.safeParse(sni).success) return { hostname: sni };
  unsupported(at(place, "sni"), "the server name is not a host name");
  return {};
}

function verificationOf(
  { insecureSkipVerify, caCertificates, caCrl, subjectAltNames }: ClientTls,
  upstream: Upstream,
  credential: Credential | undefined,
  place: Place,
): Pick<TlsInput, "caCertificates" | "subjectAltNames" | "insecureSkipVerify"> {
  if (insecureSkipVerify) {
    const message =
      "certificates of the endpoints are not verified: whoever is in between can read and write";
    unverified(at(place, "insecureSkipVerify"), message);
    return { insecureSkipVerify: true };
  }
  if (caCrl !== undefined)
    unsupported(at(place, "caCrl"), "lists of revoked certificates of endpoints are not read");
  // Those of the ServiceEntry where the rule has none (`applyUpstreamTLSSettings`).
  const own = subjectAltNames?.length ? subjectAltNames : upstream.subjectAltNames;
  const names = own.flatMap((name, index) => {
    const found = subjectAltName(name);
    if (!found) {
      const field: Place =
        own === subjectAltNames || !upstream.origin
          ? at(place, "subjectAltNames", index)
          : at({ ...place, ...upstream.origin }, "subjectAltNames", index);
      unsupported(field, "neither a host name nor a URI");
    }
    return found ?? [];
  });
  const authorities = credential?.authorities;
  if (authorities === undefined) refuseFile(caCertificates, at(place, "caCertificates"));
  return {
    ...(authorities !== undefined && { caCertificates: authorities }),
    ...(names.length > 0 && { subjectAltNames: names }),
  };
}

function subjectAltName(name: string): SubjectAltName | undefined {
  if (name.includes("://")) return { type: "URI", uri: name };
  return preciseHostnameSchema.safeParse(name).success ? { type: "Hostname", hostname: name } : undefined;
}

function clientCertificateOf(
  tls: ClientTls,
  credential: Credential | undefined,
  place: Place,
): Pick<TlsInput, "clientCertificate"> {
  if (tls.credentialName === undefined) {
    refuseFile(tls.clientCertificate ?? "", at(place, "clientCertificate"));
    refuseFile(tls.privateKey, at(place, "privateKey"));
    return {};
  }
  const { certificate, privateKey } = credential ?? {};
  if (certificate?.includes("-----BEGIN CERTIFICATE-----") && privateKey !== undefined)
    return { clientCertificate: { certificate, ...(privateKey !== "" && { privateKey }) } };
  if (credential) {
    const message = "the Secret holds no certificate and key (tls.crt and tls.key, or cert and key)";
    unsupported(at(place, "credentialName"), message);
  }
  return {};
}

/** Files of a proxy's are not those of this machine, but for the system's own, where Debian and others keep them. */
function refuseFile(file: string | undefined, place: Place): void {
  if (file === undefined || /^(?:system|\/etc\/ssl\/certs\/ca-certificates\.crt)$/.test(file)) return;
  const message = "files of the proxy are not here";
  unsupported(place, message, "Put certificates and keys into a Secret, and name it with credentialName.");
}
