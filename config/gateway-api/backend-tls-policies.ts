// BackendTLSPolicy (GEP-1897): TLS towards the endpoints of Services, whose policy holds where several want one, and what
// became of each.
import { configMapKind, secretKind } from "../kubernetes/core-kinds.ts";
import { secretText } from "../kubernetes/certificates.ts";
import type { ImportContext } from "../kubernetes/importer.ts";
import type { BackendInput } from "../kubernetes/model-parts.ts";
import { fieldOf } from "../kubernetes/notes.ts";
import { qualifiedName, type ObjectField } from "../kubernetes/object.ts";
import type { ResourceSet } from "../kubernetes/resource-set.ts";
import { unless, type Problem } from "./condition.ts";
import type { ReachedServices } from "./reached-services.ts";
import { problemText } from "./route-verdict.ts";
import { backendTlsPolicyKind, type BackendTlsPolicy } from "./schema/policy-kinds.ts";

type TlsInput = NonNullable<BackendInput["tls"]>;

export interface EffectivePolicy {
  /** Absent: the policy is not valid, and its endpoints must not be reached. */
  readonly tls: TlsInput | undefined;
  readonly field: ObjectField;
}

export interface BackendTlsPolicies {
  /** Of a port of a Service: the policy for the port of that name, or else for the Service. */
  find(
    service: { namespace: string; name: string },
    portName: string | undefined,
  ): EffectivePolicy | undefined;
  /** Once all routes are translated. */
  addStatuses(): void;
}

interface Standing {
  readonly policy: BackendTlsPolicy;
  readonly effective: EffectivePolicy;
  /** Against `Accepted`, and against `ResolvedRefs`. */
  readonly refused: Problem | undefined;
  readonly unresolved: Problem | undefined;
}

export function createBackendTlsPolicies(
  { set, notes, statuses }: ImportContext,
  services: ReachedServices,
): BackendTlsPolicies {
  const byTarget = new Map<string, Standing>();
  // Oldest first, then by name (GEP-713, conflict resolution).
  const standings = set.all(backendTlsPolicyKind).map((policy): Standing => {
    const read = readPolicy(policy, set);
    const rivals = policy.body.spec.targetRefs.map((target) => {
      const key = targetKey(policy.namespace, target.name, target.sectionName);
      const rival = byTarget.get(key);
      if (!rival) byTarget.set(key, { policy, ...read });
      return rival?.policy;
    });
    const first = rivals[0];
    if (first === undefined || rivals.includes(undefined)) return { policy, ...read };
    const message = `BackendTLSPolicy ${first.name} is older, or the first by name, and has the same targets`;
    return { policy, ...read, refused: { reason: "Conflicted", message } };
  });
  return {
    find: ({ namespace, name }, portName) => {
      const ofPort = portName === undefined ? undefined : byTarget.get(targetKey(namespace, name, portName));
      return (ofPort ?? byTarget.get(targetKey(namespace, name, undefined)))?.effective;
    },
    addStatuses: () => {
      for (const { policy, refused, unresolved } of standings) {
        const { object, namespace, body } = policy;
        for (const problem of [refused, unresolved]) {
          if (!problem) continue;
          notes.add(fieldOf(object, "spec"), { code: "policy-not-accepted", message: problemText(problem) });
        }
        for (const name of Object.keys(body.spec.options)) {
          const message = `the TLS option ${name} means nothing here`;
          notes.add(fieldOf(object, "spec", "options", name), { code: "statement-ignored", message });
        }
        const targets = body.spec.targetRefs.map(({ name }) => ({ namespace, name }));
        statuses.add(
          policy,
          services.statusFor(targets, [
            unless(policy, "Accepted", refused),
            unless(policy, "ResolvedRefs", unresolved),
          ]),
        );
      }
    },
  };
}

function targetKey(namespace: string, service: string, section: string | undefined): string {
  return `${namespace}/${service}/${section ?? ""}`;
}

function readPolicy(policy: BackendTlsPolicy, set: ResourceSet): Omit<Standing, "policy"> {
  const { object, body } = policy;
  const field = fieldOf(object, "spec", "validation");
  const { targetRefs, validation } = body.spec;
  const { hostname, subjectAltNames, caCertificateRefs, wellKnownCACertificates } = validation;
  const invalid = (problem: Problem, unresolved?: Problem): Omit<Standing, "policy"> => ({
    effective: { tls: undefined, field },
    refused: problem,
    unresolved,
  });
  const stranger = targetRefs.find(({ group, kind }) => group !== "" || kind !== "Service");
  if (stranger) return invalid({ reason: "Invalid", message: `targets are Services, not ${stranger.kind}` });
  if (wellKnownCACertificates !== undefined && wellKnownCACertificates !== "System") {
    const message = `wellKnownCACertificates: ${wellKnownCACertificates} is not known here`;
    return invalid({ reason: "Invalid", message });
  }
  const read = caCertificateRefs.map((ref) => readAuthority(policy.namespace, ref, set));
  const authorities = read.filter((one) => typeof one === "string");
  const unresolved = read.find((one) => typeof one !== "string");
  if (wellKnownCACertificates === undefined && authorities.length === 0) {
    const message = `endpoints could not be verified: ${unresolved!.message}`;
    return invalid({ reason: "NoValidCACertificate", message }, unresolved);
  }
  const tls: TlsInput = {
    hostname,
    ...(subjectAltNames.length > 0 && {
      // The kind's schema has seen to it that there is the field of the type.
      subjectAltNames: subjectAltNames.map(({ type, hostname: dnsName = "", uri = "" }) =>
        type === "URI" ? { type, uri } : { type, hostname: dnsName },
      ),
    }),
    ...(wellKnownCACertificates === undefined
      ? { caCertificates: authorities.join("\n") }
      : { wellKnownCACertificates: "System" as const }),
  };
  return { effective: { tls, field }, refused: undefined, unresolved };
}

type AuthorityRef = BackendTlsPolicy["body"]["spec"]["validation"]["caCertificateRefs"][number];

/** ConfigMaps are what the standard knows, Secrets what implementations add. */
function readAuthority(
  namespace: string,
  { group, kind, name }: AuthorityRef,
  set: ResourceSet,
): string | Problem {
  const what = `${kind} ${qualifiedName({ namespace, name })}`;
  if (group !== "" || (kind !== "ConfigMap" && kind !== "Secret")) {
    const message = `authorities are read from ConfigMaps and Secrets, not from ${kind}`;
    return { reason: "InvalidKind", message };
  }
  const secret = kind === "Secret" ? set.get(secretKind, namespace, name) : undefined;
  const certificate =
    kind === "ConfigMap"
      ? set.get(configMapKind, namespace, name)?.body.data?.["ca.crt"]
      : secret && secretText(secret, "ca.crt");
  if (certificate?.includes("-----BEGIN CERTIFICATE-----")) return certificate;
  return { reason: "InvalidCACertificateRef", message: `there is no ${what} with certificates in ca.crt` };
}
