// Tells whoever asks with a valid debug token what was decided for the request (contract/debug-token.ts).
import { decisionHeader, isDebugToken } from "#contract/debug-token.ts";
import type { GatewayError } from "#contract/error.ts";
import type { Exchange } from "../exchange.ts";

/** The response itself where the token is not valid: nobody learns more than that. */
export async function withDecision(
  exchange: Exchange,
  response: Response,
  error: GatewayError | undefined,
): Promise<Response> {
  const { debugToken, plan } = exchange;
  if (debugToken === null || !(await isDebugToken(plan.secret, debugToken, Date.now()))) return response;
  // Made from the response itself, the copy keeps status, WebSocket and a compressed body as it is.
  const told = new Response(response.body, response);
  told.headers.set(decisionHeader, decisionOf(exchange, error));
  return told;
}

/** RFC 9651 dictionary of strings. Details of errors stay in the log. */
function decisionOf(exchange: Exchange, error: GatewayError | undefined): string {
  const { listener, chain, matched, backend, endpoint, tried, plan } = exchange;
  const parts: Record<string, string | number | undefined> = {
    version: plan.version,
    listener: listener?.name,
    client: chain.clientAddress,
    route: matched?.route.name,
    rule: matched?.rule.id,
    backend: backend?.backend.name,
    endpoint: endpoint?.endpoint.id,
    retries: tried?.length,
    error: error?.code,
  };
  return Object.entries(parts)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${typeof value === "number" ? value : quoted(String(value))}`)
    .join(", ");
}

function quoted(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/g, "?").replace(/["\\]/g, "\\$&")}"`;
}
