// What an authorization server says of a request: an answer in place of the endpoint's, or headers for that.
import type { HeaderChange } from "#traffic/access/check-call.ts";

/** A header that the client gets with its response. */
export type Told = HeaderChange;

export type Verdict = Response | readonly Told[];

/** The headers of a fetched response are immutable. */
export function tell(response: Response, fields: readonly Told[]): Response {
  const told = new Response(response.body, response);
  applyChanges(fields, told.headers);
  return told;
}

export function applyChanges(changes: readonly HeaderChange[], headers: Headers): void {
  for (const { name, value, action } of changes) {
    if (action === "Append") headers.append(name, value);
    else if (action === "Overwrite" || headers.has(name) === (action === "OverwriteIfExists"))
      headers.set(name, value);
  }
}
