// ExternalAuth filters (GEP-1494) → external authorization of a rule.
import type { RouteInput } from "../kubernetes/model-parts.ts";
import type { ObjectField } from "../kubernetes/object.ts";
import type { RouteVerdict } from "./route-verdict.ts";
import type { ExternalAuth, HttpFilter } from "./schema/filter.ts";

type SecurityInput = Pick<RouteInput["rules"][number], "securityPolicy">;

/**
 * `undefined`: the server cannot be found, and nobody may pass without being asked for. What else cannot be honoured is an
 * error: access control is never left out silently.
 */
export function externalAuth(
  filters: readonly HttpFilter[],
  { object, path }: ObjectField,
  verdict: RouteVerdict,
): SecurityInput | undefined {
  const index = filters.findIndex(({ type }) => type === "ExternalAuth");
  const filter = filters[index]?.externalAuth;
  if (!filter) return {};
  const at = (step: string): ObjectField => ({ object, path: [...path, index, "externalAuth", step] });
  if (filter.forwardBody)
    verdict.unsupported("the authorization server does not get the request's body", at("forwardBody"));
  if (filter.protocol === "GRPC") {
    const name = verdict.calledServer(filter.backendRef, at("backendRef"));
    const { allowedHeaders = [] } = filter.grpc ?? {};
    return name === undefined
      ? undefined
      : { securityPolicy: { extAuth: { grpc: { backendRef: { name } }, headersToExtAuth: allowedHeaders } } };
  }
  const url = verdict.serverUrl(filter.backendRef, at("backendRef"));
  return url === undefined ? undefined : { securityPolicy: { extAuth: extAuthOf(filter, url) } };
}

function extAuthOf({ http }: ExternalAuth, url: string) {
  return {
    http: {
      url: url + (http?.path ?? "").replace(/\/$/, ""),
      // The path of the filter is a prefix of the request's.
      forwardPath: true,
      headersToBackend: http?.allowedResponseHeaders ?? [],
    },
    headersToExtAuth: http?.allowedHeaders ?? [],
  };
}
