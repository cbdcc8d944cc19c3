// How an endpoint is picked: `load-balance`, `upstream-hash-by`, cookies that bind a client to one, and what they speak.
import type { BackendPolicies } from "../backends.ts";
import type { RulePolicies } from "../rule-parts.ts";
import { formatDuration } from "../../duration-text.ts";
import type { Annotations } from "./annotations.ts";

type LoadBalancer = NonNullable<BackendPolicies["loadBalancer"]>;
type SessionPersistence = NonNullable<RulePolicies["sessionPersistence"]>;

/** ingress-nginx's `upstream-hash-by-subset-size`. */
const defaultSubsetSize = 3;
/** The model's. */
const maxSubsetSize = 1_000;

/** `upstream-hash-by` goes before `load-balance`. */
export function readLoadBalancer(annotations: Annotations): LoadBalancer | undefined {
  const algorithm = annotations.word("load-balance", ["round_robin", "ewma"]);
  const key = annotations.text("upstream-hash-by");
  const usesSubsets = annotations.flag("upstream-hash-by-subset") ?? false;
  const subsetSize = annotations.integer("upstream-hash-by-subset-size", 1) ?? defaultSubsetSize;
  const consistentHash = key === undefined ? undefined : hashOf(key, annotations);
  if (consistentHash) {
    const subset = usesSubsets && { subsetSize: Math.min(subsetSize, maxSubsetSize) };
    return { type: "ConsistentHash", consistentHash: { ...consistentHash, ...subset } };
  }
  return algorithm === "ewma" ? { type: "PeakEWMA" } : undefined;
}

function hashOf(
  key: string,
  annotations: Annotations,
): NonNullable<LoadBalancer["consistentHash"]> | undefined {
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
  if (annotations.flag("session-cookie-conditional-samesite-none")) {
    annotations.ignored(
      "session-cookie-conditional-samesite-none",
      "browsers of before 2020, which take SameSite=None for Strict, are told it like all others",
    );
  }
  const lifetimeS =
    annotations.integer("session-cookie-max-age") ?? annotations.integer("session-cookie-expires");
  const path = annotations.text("session-cookie-path");
  const domain = annotations.text("session-cookie-domain");
  // "false" is as good as nothing, to ingress-nginx, too: over HTTPS the cookie is secure.
  const secure = annotations.flag("session-cookie-secure");
  const sameSite = readSameSite(annotations);
  return {
    sessionName: annotations.text("session-cookie-name") ?? "INGRESSCOOKIE",
    ...(lifetimeS && { absoluteTimeout: formatDuration(lifetimeS * 1_000) }),
    ...(annotations.flag("session-cookie-change-on-failure") && { moveOnFailure: true }),
    cookieConfig: {
      ...(lifetimeS && { lifetimeType: "Permanent" as const }),
      ...(path !== undefined && { path }),
      ...(domain !== undefined && { domain }),
      ...(secure && { secure }),
      ...(sameSite && { sameSite }),
    },
  };
}

/** In letters of either case. */
function readSameSite(annotations: Annotations) {
  const text = annotations.text("session-cookie-samesite");
  const found = sameSites.find((one) => one.toLowerCase() === text?.toLowerCase());
  if (text !== undefined && !found) {
    annotations.invalid("session-cookie-samesite", sameSites.map((one) => JSON.stringify(one)).join(" or "));
  }
  return found;
}

const sameSites = ["None", "Lax", "Strict"] as const;
