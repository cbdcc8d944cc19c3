// What the annotations of one Ingress say, read once.
import type { ImportContext } from "../kubernetes/importer.ts";
import { qualifiedName } from "../kubernetes/object.ts";
import { readAccess } from "./annotation/access.ts";
import { readAnnotations, type Annotations } from "./annotation/annotations.ts";
import { readAffinity, readLoadBalancer } from "./annotation/balancing.ts";
import { readClientCertificates, type ClientCertificates } from "./annotation/client-certificates.ts";
import { readCanary, type Canary } from "./annotation/canary.ts";
import { checkAnnotations } from "./annotation/check-annotations.ts";
import { readCors } from "./annotation/cors.ts";
import { readEndpoints, type EndpointSettings } from "./annotation/endpoints.ts";
import { readErrorPages, type ErrorPages } from "./annotation/error-pages.ts";
import { readCustomHeaders } from "./annotation/headers.ts";
import { readAliases } from "./annotation/hosts.ts";
import { readLimits } from "./annotation/limits.ts";
import { readMirror } from "./annotation/mirror.ts";
import { readProxying } from "./annotation/proxying.ts";
import { readRedirects, type Redirects } from "./annotation/redirects.ts";
import { readRewrite, type Rewrite } from "./annotation/rewrite.ts";
import { readUpstreamHeaders } from "./annotation/upstream-headers.ts";
import type { BackendPolicies } from "./backends.ts";
import type { Controller } from "./controller/controller.ts";
import { presetsFor } from "./controller/global-auth.ts";
import type { Ingress } from "./kinds.ts";
import { readSnippet, type Snippet } from "./snippet/read-snippet.ts";
import type { FilterInput, RulePolicies, SecurityPolicyInput } from "./rule-parts.ts";

export interface Settings {
  readonly annotations: Annotations;
  readonly redirects: Redirects;
  readonly rewrite: Rewrite;
  /** Absent: an Ingress of its own. */
  readonly canary: Canary | undefined;
  readonly aliases: readonly string[];
  /** `ssl-passthrough`: TLS for its hosts does not end here. */
  readonly passesTls: boolean;
  /** For every rule of the Ingress that goes to a backend. */
  readonly filters: readonly FilterInput[];
  readonly policies: RulePolicies;
  readonly security: SecurityPolicyInput;
  /** `configuration-snippet`: for the Ingress's own locations. */
  readonly snippet: Snippet;
  /** `server-snippet`: for the whole host. */
  readonly serverSnippet: Snippet;
  readonly clientCertificates: ClientCertificates | undefined;
  /** Networks whose clients pass without credentials. */
  readonly withoutCredentials: readonly string[];
  /** Networks whose clients are not limited. */
  readonly withoutLimits: readonly string[];
  readonly endpoints: EndpointSettings;
  readonly loadBalancer: BackendPolicies["loadBalancer"];
  /** Requests go to the Service's own address rather than to its endpoints. */
  readonly usesServiceAddress: boolean;
  readonly errorPages: ErrorPages;
}

export function readSettings(ingress: Ingress, context: ImportContext, controller: Controller): Settings {
  const { notes, parts, set } = context;
  const annotations = readAnnotations(ingress, notes, presetsFor(ingress, controller));
  checkAnnotations(ingress, annotations, controller, notes);
  const access = readAccess(ingress, annotations, controller, set);
  const clientCertificates = readClientCertificates(ingress, annotations, set);
  const limits = readLimits(ingress, annotations, controller);
  if (limits.policy) parts.addRateLimitPolicy(limits.policy, annotations.field("limit-rps"));
  const affinity = readAffinity(annotations);
  return {
    annotations,
    redirects: readRedirects(annotations, controller.redirectStatus),
    rewrite: readRewrite(annotations),
    canary: readCanary(annotations),
    aliases: readAliases(annotations),
    passesTls: annotations.flag("ssl-passthrough") ?? false,
    filters: [
      ...readCors(annotations),
      ...(access.hidesPassword ? [withoutPassword] : []),
      ...readUpstreamHeaders(annotations),
      ...readCustomHeaders(ingress, annotations, controller, set),
      ...mirrorFilters(ingress, annotations, context),
    ],
    policies: {
      ...readProxying(annotations),
      ...(controller.compression && { compression: controller.compression }),
      ...(affinity && { sessionPersistence: affinity }),
      ...(limits.policy && { rateLimit: { policies: [limits.policy.name] } }),
    },
    security: access.policy,
    snippet: readSnippet("configuration-snippet", annotations),
    serverSnippet: readSnippet("server-snippet", annotations),
    clientCertificates,
    withoutCredentials: access.withoutCredentials,
    withoutLimits: limits.policy ? limits.exempt : [],
    endpoints: readEndpoints(ingress, annotations, set),
    loadBalancer: readLoadBalancer(annotations),
    usesServiceAddress: annotations.flag("service-upstream") ?? false,
    errorPages: readErrorPages(annotations),
  };
}

/** nginx does not pass a password on that it has checked itself. */
const withoutPassword: FilterInput = {
  type: "RequestHeaderModifier",
  requestHeaderModifier: { remove: ["Authorization"] },
};

function mirrorFilters(ingress: Ingress, annotations: Annotations, { parts }: ImportContext): FilterInput[] {
  const mirror = readMirror(annotations);
  if (!mirror) return [];
  const name = `ingress-mirror/${qualifiedName(ingress)}`;
  parts.addBackend(name, () => ({ name, ...mirror.backend }), annotations.field("mirror-target"));
  return [{ type: "RequestMirror", requestMirror: { backendRef: { name }, ...mirror.copy } }];
}
