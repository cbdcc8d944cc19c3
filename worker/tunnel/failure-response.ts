// A failure of the tunnel as a hub answers it to the gateway, which turns it into a `GatewayError`.
import { internalHeaders, tunnelErrorStatus } from "#contract/internal-headers.ts";
import type { TunnelFailure } from "#hub/tunnel-failure.ts";

export function failureResponse({ code, safe }: TunnelFailure): Response {
  const headers = new Headers({ [internalHeaders.tunnelError]: code });
  if (safe) headers.set(internalHeaders.tunnelErrorSafe, "1");
  return new Response(null, { status: tunnelErrorStatus, headers });
}
