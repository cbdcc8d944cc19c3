// Lets a stage know when a response's body has ended, or cut it short. Costs a copy of the stream's plumbing, so only
// stages that must know use it; all other bodies pass from socket to socket untouched.
import type { Lifetime } from "../exchange.ts";

/**
 * The same response with a body that is watched. `onEnd` runs exactly once: at the body's end, when either side breaks
 * off, or when `signal` aborts it. The response must come from a fetch with `encodeResponseBody: "manual"`, so that a
 * compressed body passes as it is.
 */
export function watchBody(
  response: Response,
  lifetime: Lifetime,
  onEnd: () => void,
  signal?: AbortSignal,
): Response {
  if (response.body === null) {
    onEnd();
    return response;
  }
  const length = response.headers.get("content-length");
  const { readable, writable } =
    length === null ? new IdentityTransformStream() : new FixedLengthStream(Number(length));
  // After the client has gone nothing runs that the platform was not asked to wait for.
  lifetime.waitUntil(response.body.pipeTo(writable, signal ? { signal } : {}).then(onEnd, onEnd));
  const { status, statusText, headers } = response;
  return new Response(readable, { status, statusText, headers, encodeBody: "manual" });
}

/** A body that is on its way in one piece is not worth watching: that would cost more than it tells. */
const shortBodyBytes = 64 * 1024;

export function isLong({ body, headers }: Response): boolean {
  if (body === null) return false;
  const length = headers.get("content-length");
  return length === null || Number(length) > shortBodyBytes;
}
