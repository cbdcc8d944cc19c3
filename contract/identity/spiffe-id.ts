// SPIFFE ids of agents, `spiffe://<trust domain>/agent/<tunnel>`, read as strictly as the SPIFFE-ID standard §2 writes them.
import { IdentityError } from "./identity-error.ts";

/** SPIFFE-ID §2.3: longer ids need not be supported by anyone, so nobody may issue them. */
const maxIdChars = 2048;
const trustDomainPattern = /^[a-z0-9._-]{1,255}$/;
const segmentPattern = /^[A-Za-z0-9._-]+$/;
const agentPrefix = "agent/";

export interface AgentIdentity {
  readonly trustDomain: string;
  readonly tunnel: string;
}

/** The id of the agents of one tunnel. A tunnel name with `/` becomes several path segments. Throws {@link IdentityError} `spiffe_id_invalid`. */
export function agentSpiffeId(trustDomain: string, tunnel: string): string {
  const id = `spiffe://${trustDomain}/${agentPrefix}${tunnel}`;
  parseAgentSpiffeId(id);
  return id;
}

/** Trust domain and tunnel of an agent's id. Throws {@link IdentityError} `spiffe_id_invalid` on anything else, ids of other workloads included. */
export function parseAgentSpiffeId(id: string): AgentIdentity {
  const { trustDomain, path } = parseSpiffeId(id);
  if (!path.startsWith(agentPrefix) || path.length === agentPrefix.length) {
    throw invalid(id, "expected the path /agent/<tunnel>");
  }
  return { trustDomain, tunnel: path.slice(agentPrefix.length) };
}

/** SPIFFE-ID §2: no port, user, query, fragment, percent-encoding, empty or dot segment. */
function parseSpiffeId(id: string): { trustDomain: string; path: string } {
  if (id.length > maxIdChars) throw invalid(id, `longer than ${maxIdChars} characters`);
  const [scheme, empty, trustDomain, ...segments] = id.split("/");
  if (scheme !== "spiffe:" || empty !== "") throw invalid(id, "expected spiffe://");
  if (trustDomain === undefined || !trustDomainPattern.test(trustDomain)) {
    throw invalid(id, "the trust domain may hold lower-case letters, digits, '.', '-' and '_' only");
  }
  for (const segment of segments) {
    if (!segmentPattern.test(segment) || segment === "." || segment === "..") {
      throw invalid(id, `the path segment ${JSON.stringify(segment.slice(0, 64))} is not allowed`);
    }
  }
  return { trustDomain, path: segments.join("/") };
}

function invalid(id: string, reason: string): IdentityError {
  return new IdentityError(
    "spiffe_id_invalid",
    `not an agent's SPIFFE id: ${JSON.stringify(id.slice(0, 128))}: ${reason}`,
  );
}
