// Headers that requests and responses get: `upstream-vhost`, `x-forwarded-prefix`, `custom-headers`.
import { headerNameSchema, headerValueSchema, preciseHostnameSchema } from "#contract/http-route.ts";
import { configMapKind } from "../../kubernetes/core-kinds.ts";
import type { ResourceSet } from "../../kubernetes/resource-set.ts";
import type { Controller } from "../controller/controller.ts";
import type { Ingress } from "../kinds.ts";
import type { FilterInput } from "../rule-parts.ts";
import type { Annotations } from "./annotations.ts";

/** What nginx's variables are in a location. */
export interface LocationFacts {
  readonly host: string;
  readonly namespace: string;
  readonly ingressName: string;
  readonly serviceName: string;
  readonly servicePort: string;
}

/** Variables that have one value in the whole location. */
export function locationVariables(facts: LocationFacts): Readonly<Record<string, string>> {
  const upstream = `${facts.namespace}-${facts.serviceName}-${facts.servicePort}`;
  return {
    namespace: facts.namespace,
    ingress_name: facts.ingressName,
    service_name: facts.serviceName,
    service_port: facts.servicePort,
    proxy_upstream_name: upstream,
    proxy_host: upstream,
  };
}

/** Text in which variables are filled in; `undefined`: one of them is not known. */
function fillIn(text: string, facts: LocationFacts): string | undefined {
  const known: Readonly<Record<string, string>> = {
    ...locationVariables(facts),
    // Of a wildcard, or of every host, it is the request's.
    ...(facts.host !== "" && !facts.host.startsWith("*") && { host: facts.host, http_host: facts.host }),
  };
  let isKnown = true;
  const filled = text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (_, braced?: string, bare?: string) => {
    const value = known[braced ?? bare ?? ""];
    isKnown &&= value !== undefined;
    return value ?? "";
  });
  return isKnown && !filled.includes("$") ? filled : undefined;
}

export function vhostFilter(facts: LocationFacts, annotations: Annotations): FilterInput[] {
  const text = annotations.text("upstream-vhost");
  // The Host of the request is what endpoints see anyway.
  if (text === undefined || text === "$host" || text === "$http_host") return [];
  const hostname = fillIn(text, facts);
  if (hostname !== undefined && preciseHostnameSchema.safeParse(hostname).success) {
    return [{ type: "URLRewrite", urlRewrite: { hostname } }];
  }
  annotations.unsupported(
    "upstream-vhost",
    `${JSON.stringify(hostname ?? text)} is no host name that could be written here`,
    "Write a host name without port, or with $service_name and $namespace.",
  );
  return [];
}

/** Only where the path is rewritten. */
export function forwardedPrefixFilter(annotations: Annotations): FilterInput[] {
  const value = annotations.text("x-forwarded-prefix");
  if (value === undefined) return [];
  return [
    {
      type: "RequestHeaderModifier",
      requestHeaderModifier: { set: [{ name: "X-Forwarded-Prefix", value }] },
    },
  ];
}

/** Headers of responses, from a ConfigMap. */
export function readCustomHeaders(
  ingress: Ingress,
  annotations: Annotations,
  { settings }: Controller,
  set: ResourceSet,
): FilterInput[] {
  const text = annotations.text("custom-headers");
  if (text === undefined) return [];
  const [name = "", namespace = ingress.namespace] = text.split("/").reverse();
  const configMap = set.get(configMapKind, namespace, name);
  if (!configMap || namespace !== ingress.namespace) {
    annotations.ignored("custom-headers", `there is no ConfigMap ${JSON.stringify(text)} in this namespace`);
    return [];
  }
  const allowed = settings.list("global-allowed-response-headers").map((one) => one.toLowerCase());
  const headers = Object.entries(configMap.body.data ?? {}).flatMap(([header, value]) => {
    if (allowed.length > 0 && !allowed.includes(header.toLowerCase())) {
      annotations.ignored(
        "custom-headers",
        `${JSON.stringify(header)} is not among the global-allowed-response-headers of the controller`,
      );
      return [];
    }
    const isValid = headerNameSchema.safeParse(header).success && headerValueSchema.safeParse(value).success;
    if (isValid) return [{ name: header, value }];
    annotations.ignored("custom-headers", `${JSON.stringify(header)} is no header that could be sent`);
    return [];
  });
  if (headers.length === 0) return [];
  return [{ type: "ResponseHeaderModifier", responseHeaderModifier: { set: headers } }];
}
