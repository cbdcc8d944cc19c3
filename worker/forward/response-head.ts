// Connection fields of an endpoint's answer. workerd drops the well-known ones on the way out; those that `Connection`
// nominates are the gateway's to drop (RFC 9110 §7.6.1).
import { nominatedNames } from "#traffic/forwarding/hop-by-hop.ts";

/** The response itself unless there is something to drop. */
export function withoutHopByHop(response: Response): Response {
  const names = nominatedNames(response.headers.get("connection"));
  if (names.length === 0) return response;
  const copy = new Response(response.body, response);
  for (const name of names) copy.headers.delete(name);
  return copy;
}
