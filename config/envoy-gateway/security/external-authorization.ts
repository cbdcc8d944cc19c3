// `extAuth` of a SecurityPolicy → external authorization of a rule: whom it asks, over HTTP or gRPC.
import type { ExtensionContext, RuleInput } from "../../gateway-api/extension.ts";
import type { BackendInput } from "../../kubernetes/model-parts.ts";
import { fieldOf } from "../../kubernetes/notes.ts";
import { qualifiedName, type KubernetesObject } from "../../kubernetes/object.ts";
import { withFields } from "../../with-fields.ts";
import { approximated, at, ignored, type Place } from "../../kubernetes/field-notes.ts";
import { backendOf } from "../backend.ts";
import { referredServer, referredText, type ServerRef } from "../referred.ts";
import type { SecuritySpec } from "../schema/security-policy.ts";

type ExtAuth = NonNullable<SecuritySpec["extAuth"]>;
type ExtAuthInput = NonNullable<NonNullable<RuleInput["securityPolicy"]>["extAuth"]>;

/** Text: why nobody can be asked. `from`: the policy, in whose namespace its references are. */
export function extAuthOf(
  extAuth: ExtAuth,
  from: KubernetesObject,
  place: Place,
  context: ExtensionContext,
): ExtAuthInput | string {
  const {
    http,
    grpc,
    contextExtensions,
    headersToExtAuth,
    statusOnError,
    failOpen,
    timeout = "10s",
  } = extAuth;
  if (http && contextExtensions)
    ignored(at(place, "contextExtensions"), "a server is told of them over gRPC alone");
  const server = http
    ? overHttp(http, from, at(place, "http"), context)
    : grpc && overGrpc(extAuth, from, context);
  if (server === undefined) return "no server is named";
  if (typeof server === "string") return server;
  return { ...server, ...withFields({ headersToExtAuth, statusOnError, failOpen }), timeout };
}

function overHttp(
  { backendRef, backendRefs, path = "", headersToBackend }: NonNullable<ExtAuth["http"]>,
  from: KubernetesObject,
  place: Place,
  context: ExtensionContext,
): ExtAuthInput | string {
  const [first, ...others] = backendRefs ?? (backendRef ? [backendRef] : []);
  if (!first) return "no server is named";
  if (others.length > 0) approximated(at(place, "backendRefs"), "the first server alone is asked");
  const found = referredServer(first, from, context);
  if ("problem" in found) return found.problem;
  const url = found.url + path.replace(/\/$/, "");
  return { http: { url, forwardPath: true, ...withFields({ headersToBackend }) } };
}

/** The servers are the endpoints of one backend, which is the policy's. */
function overGrpc(
  { grpc, contextExtensions = [] }: ExtAuth,
  from: KubernetesObject,
  context: ExtensionContext,
): ExtAuthInput | string {
  const { backendRef, backendRefs = backendRef ? [backendRef] : [] } = grpc!;
  const servers = backendRefs.map((ref) => calledServer(ref, from, context));
  const problem = servers.find((server) => typeof server === "string");
  if (problem !== undefined) return problem as string;
  const [first, ...others] = servers as CalledServer[];
  if (!first) return "no server is named";
  const same = (server: CalledServer): boolean => JSON.stringify(server.way) === JSON.stringify(first.way);
  if (!others.every(same)) return "the servers are reached in different ways";
  const extensions = contextExtensions.map(({ name, value, valueRef }) => {
    if (!valueRef) return { name, value: value ?? "" };
    const { kind, name: of, key } = valueRef;
    const found = referredText({ kind, name: of }, key, from, context);
    return "problem" in found ? found.problem : { name, value: found.text };
  });
  const missing = extensions.find((extension) => typeof extension === "string");
  if (missing !== undefined) return missing as string;
  const name = `securitypolicy/${qualifiedName(from)}/ext-auth`;
  const endpoints = [first, ...others].flatMap((server) => server.endpoints);
  if (endpoints.length === 0) return "the servers have no endpoints";
  context.parts.addBackend(
    name,
    () => ({ name, ...first.way, endpoints }),
    fieldOf(from, "spec", "extAuth", "grpc"),
  );
  return {
    grpc: {
      backendRef: { name },
      ...(extensions.length > 0 && { contextExtensions: extensions as { name: string; value: string }[] }),
    },
  };
}

interface CalledServer {
  readonly endpoints: NonNullable<BackendInput["endpoints"]>;
  readonly way: Pick<BackendInput, "protocol" | "tls" | "tunnel">;
}

function calledServer(
  ref: ServerRef,
  from: KubernetesObject,
  context: ExtensionContext,
): CalledServer | string {
  const { group, kind, name, namespace = from.namespace, port } = ref;
  const what = `${kind} ${qualifiedName({ namespace, name })}`;
  if (!context.grants.permit(from, { group, kind, namespace, name }))
    return `no ReferenceGrant in ${namespace} lets this refer to ${what}`;
  const backend = backendOf(ref, namespace, context);
  if (backend) {
    if ("reason" in backend) return backend.message;
    return { endpoints: backend.endpoints, way: wayOf(backend.tls) };
  }
  if (group !== "" || kind !== "Service") return `servers of kind ${kind} are not known here`;
  const target = context.services.find(namespace, name, port);
  if (typeof target === "string") return `there is no ${what} with port ${port ?? "of its own"}`;
  const policy = context.policies.find({ namespace, name }, target.portName);
  if (policy && !policy.tls) return `the BackendTLSPolicy of ${what} is not valid`;
  return {
    endpoints: [...target.endpoints],
    way: { ...wayOf(policy?.tls), ...withFields({ tunnel: target.tunnel }) },
  };
}

function wayOf(tls: BackendInput["tls"]): CalledServer["way"] {
  return tls ? { protocol: "GRPCS", tls } : { protocol: "GRPC" };
}
