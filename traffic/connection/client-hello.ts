// Reads the server name and the protocols out of a TLS ClientHello (RFC 8446 §4.1.2, RFC 6066 §3, RFC 7301 §3.1) without
// ending TLS. Every byte is looked at once, whatever the fragmentation, and nothing is kept that was not bounded before.
import { limits } from "#contract/limits.ts";

export interface ClientHello {
  /** In lower case; absent where the client names none. */
  readonly serverName: string | undefined;
  /** What the client offers to speak (ALPN), an octet a character; empty where it says nothing of that. */
  readonly protocols: readonly string[];
  /** `legacy_version`: 771 for TLS 1.2, and for 1.3, which says so elsewhere. */
  readonly version: number;
}

export type HelloResult =
  | { readonly type: "incomplete" }
  | ({ readonly type: "hello" } & ClientHello)
  | { readonly type: "invalid"; readonly reason: string };

const handshakeRecord = 22;
const clientHelloMessage = 1;
const serverNameExtension = 0;
const protocolsExtension = 16;
const hostNameType = 0;
const recordHeaderBytes = 5;
const messageHeaderBytes = 4;
/** RFC 8446 §5.1. */
const maxRecordBytes = 16_384;

/** A ClientHello whose bytes contradict themselves. */
class Malformed extends Error {}

const incomplete: HelloResult = { type: "incomplete" };

/** Give it the bytes of a connection in order; after another result than `incomplete` it takes no more. */
export class ClientHelloReader {
  /** Header of the record under way, as far as it has come. */
  readonly #recordHeader = new Uint8Array(recordHeaderBytes);
  #headerBytes = 0;
  #recordLeftBytes = 0;
  /** The handshake message: its header first, then as many bytes as that declares. */
  #message = new Uint8Array(messageHeaderBytes);
  #messageBytes = 0;

  push(chunk: Uint8Array): HelloResult {
    try {
      return this.#read(chunk);
    } catch (error) {
      if (error instanceof Malformed) return { type: "invalid", reason: error.message };
      throw error;
    }
  }

  #read(chunk: Uint8Array): HelloResult {
    let at = 0;
    while (at < chunk.length) {
      if (this.#recordLeftBytes === 0) {
        this.#recordHeader[this.#headerBytes++] = chunk[at++]!;
        this.#checkRecordHeader();
        continue;
      }
      const takenBytes = Math.min(
        this.#recordLeftBytes,
        chunk.length - at,
        this.#message.length - this.#messageBytes,
      );
      this.#message.set(chunk.subarray(at, at + takenBytes), this.#messageBytes);
      this.#messageBytes += takenBytes;
      this.#recordLeftBytes -= takenBytes;
      at += takenBytes;
      if (this.#messageBytes < this.#message.length) continue;
      if (this.#message.length === messageHeaderBytes) this.#startBody();
      else return { type: "hello", ...readHello(this.#message.subarray(messageHeaderBytes)) };
    }
    return incomplete;
  }

  /** Each byte is judged as it comes, so that what is not TLS is known at its first. */
  #checkRecordHeader(): void {
    const [type, major] = this.#recordHeader;
    if (type !== handshakeRecord) throw new Malformed("not a TLS handshake");
    if (this.#headerBytes >= 2 && major !== 3) throw new Malformed("not a TLS handshake");
    if (this.#headerBytes < recordHeaderBytes) return;
    this.#headerBytes = 0;
    this.#recordLeftBytes = readU16(this.#recordHeader, 3);
    // RFC 8446 §5.1: no empty fragments of a handshake.
    if (this.#recordLeftBytes === 0 || this.#recordLeftBytes > maxRecordBytes) {
      throw new Malformed(`a record of ${this.#recordLeftBytes} bytes`);
    }
  }

  #startBody(): void {
    if (this.#message[0] !== clientHelloMessage)
      throw new Malformed("the handshake begins with no ClientHello");
    const bodyBytes = (this.#message[1]! << 16) | readU16(this.#message, 2);
    if (bodyBytes === 0 || bodyBytes > limits.clientHelloBytes) {
      throw new Malformed(`a ClientHello of ${bodyBytes} bytes`);
    }
    const message = new Uint8Array(messageHeaderBytes + bodyBytes);
    message.set(this.#message);
    this.#message = message;
  }
}

/** `body`: a ClientHello, complete. */
function readHello(body: Uint8Array): ClientHello {
  const reader = new Fields(body);
  const version = reader.u16("version");
  reader.take(32, "random");
  if (reader.vector(1, "session id").length > 32) throw new Malformed("a session id of more than 32 bytes");
  const suites = reader.vector(2, "cipher suites").length;
  if (suites === 0 || suites % 2 !== 0) throw new Malformed(`cipher suites of ${suites} bytes`);
  if (reader.vector(1, "compression methods").length === 0) throw new Malformed("no compression method");
  // TLS 1.2 allows a ClientHello without extensions (RFC 5246 §7.4.1.2).
  if (reader.isAtEnd) return { serverName: undefined, protocols: [], version };
  const extensions = new Fields(reader.vector(2, "extensions"));
  if (!reader.isAtEnd) throw new Malformed("bytes after the extensions");
  let serverName: string | undefined;
  let protocols: string[] = [];
  const seen = new Set<number>();
  while (!extensions.isAtEnd) {
    const type = extensions.u16("extension");
    const data = extensions.vector(2, "extension");
    // RFC 8446 §4.2: at most one of each type.
    if (seen.has(type)) throw new Malformed(`extension ${type} twice`);
    seen.add(type);
    if (type === serverNameExtension) serverName = hostNameOf(data);
    if (type === protocolsExtension) protocols = protocolNamesOf(data);
  }
  return { serverName, protocols, version };
}

function hostNameOf(data: Uint8Array): string {
  const outer = new Fields(data);
  const list = new Fields(outer.vector(2, "server name list"));
  if (!outer.isAtEnd) throw new Malformed("bytes after the server name list");
  const type = list.take(1, "server name type")[0];
  const name = list.vector(2, "server name");
  // RFC 6066 §3: one name of each type, and there is one type.
  if (type !== hostNameType || !list.isAtEnd)
    throw new Malformed("a server name list that is not one host name");
  const text = String.fromCharCode(...name.subarray(0, limits.hostnameChars + 1)).toLowerCase();
  if (text.length > limits.hostnameChars || !hostNamePattern.test(text)) {
    throw new Malformed("a server name that is no host name");
  }
  return text;
}

function protocolNamesOf(data: Uint8Array): string[] {
  const outer = new Fields(data);
  const list = new Fields(outer.vector(2, "protocol list"));
  if (!outer.isAtEnd) throw new Malformed("bytes after the protocol list");
  const names: string[] = [];
  while (!list.isAtEnd) names.push(String.fromCharCode(...list.vector(1, "protocol")));
  // RFC 7301 §3.1: neither the list nor a name is empty.
  if (names.length === 0 || names.includes("")) throw new Malformed("a protocol list without a name");
  return names;
}

const hostNamePattern = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;

/** Reads vectors of TLS (RFC 8446 §3.4), none of which can claim more than there is. */
class Fields {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }

  take(bytes: number, what: string): Uint8Array {
    if (bytes > this.#bytes.length - this.#at) throw new Malformed(`the ${what} ends early`);
    this.#at += bytes;
    return this.#bytes.subarray(this.#at - bytes, this.#at);
  }

  u16(what: string): number {
    return readU16(this.take(2, what), 0);
  }

  /** Bytes after a length of `lengthBytes` bytes. */
  vector(lengthBytes: 1 | 2, what: string): Uint8Array {
    return this.take(lengthBytes === 1 ? this.take(1, what)[0]! : this.u16(what), what);
  }
}

function readU16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}
