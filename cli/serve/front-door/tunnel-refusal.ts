// What the tunnel's listener lets through without a client certificate: joining, forwarding ports, and nothing else.
import type { IncomingMessage } from "node:http";
import { forwardPath } from "#contract/port-forward.ts";
import type { ApiError } from "#contract/sync.ts";
import { joinPath } from "#contract/tunnel/target.ts";
import type { TlsClientAuth } from "./connection-facts.ts";

/** Undefined when the Worker may see the request; it judges the certificate itself, too. */
export function tunnelRefusal(
  request: Pick<IncomingMessage, "method" | "url">,
  auth: TlsClientAuth,
): ApiError | undefined {
  const path = request.url?.split("?", 1)[0];
  if (auth.certPresented === "1" || (request.method === "POST" && path === joinPath)) return undefined;
  // A person's program shows a token instead.
  if (request.method === "GET" && path === forwardPath) return undefined;
  return {
    code: "certificate_missing",
    message: "This port asks agents for a client certificate; without one, they can only join.",
    remedy: `Join with a token from \`isthmus token join\` (POST ${joinPath}), or send the agent's certificate.`,
  };
}
