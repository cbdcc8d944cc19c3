// The signed request header with which an operator asks the gateways to say, in a response header, what they decided. The
// key is derived from the secret that all gateways of a system share.

/** Carries the token; never forwarded to an endpoint. */
export const debugHeader = "isthmus-debug";
/** Carries the decision, and only where the token is valid. */
export const decisionHeader = "isthmus-decision";

/** Longest life of a token: whoever sees one learns the names of endpoints until it ends. */
export const maxDebugTokenS = 3_600;

/** `<seconds since the epoch>.<HMAC-SHA256, hex>`. */
export async function signDebugToken(secret: string, expiresAtS: number): Promise<string> {
  const mac = await crypto.subtle.sign("HMAC", await keyOf(secret), signedText(expiresAtS));
  const digits = Array.from(new Uint8Array(mac), (byte) => byte.toString(16).padStart(2, "0")).join("");
  return `${expiresAtS}.${digits}`;
}

/** Never throws; false for anything malformed, expired, or valid for longer than {@link maxDebugTokenS}. */
export async function isDebugToken(secret: string, token: string, nowMs: number): Promise<boolean> {
  const [, expires, digits] = /^([1-9][0-9]{0,11})\.([0-9a-f]{64})$/.exec(token) ?? [];
  if (expires === undefined || digits === undefined) return false;
  const leftS = Number(expires) - nowMs / 1000;
  if (leftS <= 0 || leftS > maxDebugTokenS) return false;
  const mac = Uint8Array.from(digits.match(/../g)!, (pair) => Number.parseInt(pair, 16));
  return crypto.subtle.verify("HMAC", await keyOf(secret), mac, signedText(Number(expires)));
}

function keyOf(secret: string) {
  const bytes = new TextEncoder().encode(secret);
  return crypto.subtle.importKey("raw", bytes, { name: "HMAC", hash: "SHA-256" }, false, ["sign", "verify"]);
}

/** Names its purpose: the secret signs other things, too. */
function signedText(expiresAtS: number) {
  return new TextEncoder().encode(`isthmus-debug ${expiresAtS}`);
}
