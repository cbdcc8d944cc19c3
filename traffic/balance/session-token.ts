// Session persistence (Gateway API GEP-1619): a token that names the endpoint a client is bound to. The client can neither
// read the endpoint's address nor make a token of its own, and the token stays good through configuration changes, because
// it depends on the backend and the endpoint's id alone.
//
// Layout: version 1 (1 byte), issued (4, seconds), last seen (4, seconds), endpoint tag (16), MAC over all before (16);
// base64url, 55 characters. Tag and MAC are HMAC-SHA-256 (RFC 2104), cut to 128 bits, under the session's name.
import type { CryptoKey } from "#contract/identity/key-pair.ts";

const version = 1;
const tagBytes = 16;
const bodyBytes = 9 + tagBytes;
const tokenBytes = bodyBytes + 16;
const tokenChars = Math.ceil((tokenBytes * 4) / 3);
/** A token is written anew when it was last seen longer ago than this part of the idle timeout. */
const renewPart = 10;

export interface SessionTimeouts {
  readonly absoluteTimeoutMs?: number | undefined;
  readonly idleTimeoutMs?: number | undefined;
}

export interface Session {
  /** Compare with `SessionCodec.tag` of the backend's endpoints. */
  readonly tag: string;
  readonly issuedMs: number;
  /** The token is due to be written anew, so that the idle timeout starts over. */
  readonly renew: boolean;
}

export class SessionCodec {
  private readonly key: CryptoKey;
  private readonly name: string;

  private constructor(key: CryptoKey, name: string) {
    this.key = key;
    this.name = name;
  }

  /** `secret` of at least 32 bytes, the same on every gateway; `sessionName` keeps tokens of different routes apart. */
  static async create(secret: Uint8Array<ArrayBuffer>, sessionName: string): Promise<SessionCodec> {
    if (secret.length < 32) throw new RangeError("a session secret needs at least 32 bytes");
    const algorithm = { name: "HMAC", hash: "SHA-256" };
    return new SessionCodec(
      await crypto.subtle.importKey("raw", secret, algorithm, false, ["sign"]),
      sessionName,
    );
  }

  /** What tokens call an endpoint; compute once per snapshot. `endpoint` is its `endpointKey`. */
  async tag(endpoint: string): Promise<string> {
    const text = `endpoint\0${this.name}\0${endpoint}`;
    return toBase64Url(
      (await this.sign(Uint8Array.from(new TextEncoder().encode(text)))).subarray(0, tagBytes),
    );
  }

  async encode(tag: string, issuedMs: number, nowMs: number): Promise<string> {
    const token = new Uint8Array(tokenBytes);
    const view = new DataView(token.buffer);
    token[0] = version;
    view.setUint32(1, Math.floor(issuedMs / 1_000));
    view.setUint32(5, Math.floor(nowMs / 1_000));
    token.set(fromBase64Url(tag) ?? [], 9);
    token.set(await this.mac(token.subarray(0, bodyBytes)), bodyBytes);
    return toBase64Url(token);
  }

  /** The session of a token, or undefined when it is forged, damaged, of another session name, or expired. */
  async decode(token: string, nowMs: number, timeouts: SessionTimeouts): Promise<Session | undefined> {
    if (token.length !== tokenChars) return undefined;
    const bytes = fromBase64Url(token);
    if (bytes === undefined || bytes.length !== tokenBytes || bytes[0] !== version) return undefined;
    const mac = await this.mac(bytes.subarray(0, bodyBytes));
    if (!equal(mac, bytes.subarray(bodyBytes))) return undefined;
    const view = new DataView(bytes.buffer);
    const issuedMs = view.getUint32(1) * 1_000;
    const idleMs = nowMs - view.getUint32(5) * 1_000;
    const { absoluteTimeoutMs = Infinity, idleTimeoutMs = Infinity } = timeouts;
    if (nowMs - issuedMs >= absoluteTimeoutMs || idleMs >= idleTimeoutMs) return undefined;
    const tag = toBase64Url(bytes.subarray(9, bodyBytes));
    return { tag, issuedMs, renew: idleMs >= idleTimeoutMs / renewPart };
  }

  private async mac(body: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    const name = new TextEncoder().encode(`token\0${this.name}\0`);
    const message = new Uint8Array(name.length + body.length);
    message.set(name);
    message.set(body, name.length);
    return (await this.sign(message)).subarray(0, tokenBytes - bodyBytes);
  }

  private async sign(message: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
    return new Uint8Array(await crypto.subtle.sign("HMAC", this.key, message));
  }
}

/** Every byte is looked at, so the time taken tells nothing about where the first difference is. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let index = 0; index < a.length; index++) difference |= a[index]! ^ (b[index] ?? 0);
  return difference === 0;
}

function toBase64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}

function fromBase64Url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) return undefined;
  try {
    const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    return Uint8Array.from(binary, (char) => char.charCodeAt(0));
  } catch {
    return undefined;
  }
}
