// API keys: looked up by their hash, so neither the configuration nor a comparison's time gives a key away.
import type { ApiKeyAuth } from "#contract/security-policy.ts";
import { credentialPlaces, findCredential } from "#traffic/access/credential-place.ts";
import type { Authenticator } from "./authenticator.ts";
import { unauthorized } from "./refusal.ts";

/** No scheme is registered for keys; RFC 9110 §15.5.2 wants a challenge with every 401. */
const challenge = 'ApiKey realm="isthmus"';
const maxKeyChars = 1_024;

export function compileApiKeyAuth(policy: ApiKeyAuth): Authenticator {
  const places = credentialPlaces(policy.extractFrom);
  const clients = new Map(policy.credentials.map(({ sha256, clientID }) => [sha256, clientID]));
  const { forwardClientIDHeader, sanitize } = policy;
  return async (exchange, upstream) => {
    const found = findCredential(places, exchange);
    if (!found) throw unauthorized(challenge, "no API key");
    const clientId =
      found.value.length <= maxKeyChars ? clients.get(await sha256Hex(found.value)) : undefined;
    if (clientId === undefined) throw unauthorized(challenge, "unknown API key");
    if (sanitize) upstream.take(found.place);
    if (forwardClientIDHeader !== undefined) upstream.set(forwardClientIDHeader, clientId);
    return { clientId };
  };
}

async function sha256Hex(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
