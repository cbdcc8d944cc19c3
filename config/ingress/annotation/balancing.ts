// How an endpoint is picked: `load-balance`, `upstream-hash-by`, cookies that bind a client to one, and what they speak.
import type { BackendPolicies } from "../backends.ts";
import type { RulePolicies } from "../rule-parts.ts";
import { formatDuration } from "../../duration-text.ts";
import type { Annotations } from "./annotations.ts";

type LoadBalancer = NonNullable<BackendPolicies["loadBalancer"]>;
type SessionPersistence = NonNullable<RulePolicies["sessionPersistence"]>;

/** `upstream-hash-by` goes before `load-balance`. */
export function readLoadBalancer(annotations: Annotations): LoadBalancer | undefined {
  const algorithm = annotations.word("load-balance", ["round_robin", "ewma"]);
  const key = annotations.text("upstream-hash-by");
  if (annotations.flag("upstream-hash-by-subset")) {
    annotations.approximated(
      "upstream-hash-by-subset",
      "a client stays with one endpoint, not with a set of them",
    );
  }
  const consistentHash = key === undefined ? undefined : hashOf(key, annotations);
  if (consistentHash) return { type: "ConsistentHash", consistentHash };
  return algorithm === "ewma" ? { type: "PeakEWMA" } : undefined;
}

function hashOf(key: string, annotations: Annotations): LoadBalancer["consistentHash"] {
  const variable = key.replace(/^\$\{(\w+)\}$/, "$$$1");
  if (variable === "$uri") return { type: "URI" };
  if (/^\$(?:binary_)?remote_addr$/.test(variable)) return { type: "SourceIP" };
  const [, kind, name = ""] = /^\$(http|cookie|arg)_(\w+)$/.exec(variable) ?? [];
  if (kind === "http") return { type: "Header", header: { name: name.replaceAll("_", "-") } };
  if (kind === "cookie") return { type: "Cookie", cookie: { name } };
  if (kind === "arg") return { type: "QueryParam", queryParam: { name } };
  if (/\$\{?(?:request_)?uri\b/.test(key)) {
    annotations.approximated("upstream-hash-by", "of the key only the path counts");
    return { type: "URI" };
  }
  annotations.ignored(
    "upstream-hash-by",
    `${JSON.stringify(key)} cannot be a key: requests go to the endpoints in turn`,
    "Use $request_uri, $remote_addr, or one $http_, $cookie_ or $arg_ variable.",
  );
  return undefined;
}

export function readAffinity(annotations: Annotations): SessionPersistence | undefined {
  if (annotations.word("affinity", ["cookie"]) === undefined) return undefined;
  annotations.word("affinity-mode", ["balanced", "persistent"]);
  if (annotations.word("affinity-canary-behavior", ["sticky", "legacy"]) === "legacy") {
    annotations.approximated("affinity-canary-behavior", "clients that a canary has served stay with it");
  }
  for (const name of ["change-on-failure", "conditional-samesite-none"]) {
    if (!annotations.flag(`session-cookie-${name}`)) continue;
    annotations.ignored(`session-cookie-${name}`, "the cookie is the same whatever became of the request");
  }
  const lifetimeS =
    annotations.integer("session-cookie-max-age") ?? annotations.integer("session-cookie-expires");
  const path = annotations.text("session-cookie-path");
  const domain = annotations.text("session-cookie-domain");
  const secure = annotations.flag("session-cookie-secure");
  const sameSite = annotations.word("session-cookie-samesite", ["None", "Lax", "Strict"]);
  return {
    sessionName: annotations.text("session-cookie-name") ?? "INGRESSCOOKIE",
    ...(lifetimeS && { absoluteTimeout: formatDuration(lifetimeS * 1_000) }),
    cookieConfig: {
      ...(lifetimeS && { lifetimeType: "Permanent" as const }),
      ...(path !== undefined && { path }),
      ...(domain !== undefined && { domain }),
      ...(secure !== undefined && { secure }),
      ...(sameSite && { sameSite }),
    },
  };
}
