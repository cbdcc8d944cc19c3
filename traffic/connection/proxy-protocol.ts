// The PROXY protocol (HAProxy's doc/proxy-protocol.txt), which tells an endpoint whom a connection comes from: version 1,
// a line of text, and version 2, a binary header with the server name of TLS among its type-length-values.
import { limits } from "#contract/limits.ts";
import type { ProxyProtocolVersion } from "#contract/proxy-protocol-version.ts";
import { isIpv4, type IpAddress, parseIpAddress } from "../forwarding/ip-address.ts";

export interface SocketPlace {
  /** Without brackets. */
  readonly address: string;
  readonly port: number;
}

export interface ProxiedConnection {
  /** Absent: the sender does not know, or speaks for itself. */
  readonly source?: SocketPlace;
  /** What the client connected to. */
  readonly destination?: SocketPlace;
  /** Server name of TLS that the sender has ended. Version 2 only. */
  readonly serverName?: string;
}

export type ProxyHeaderResult =
  | { readonly type: "incomplete" }
  /** The connection does not begin with the PROXY protocol. */
  | { readonly type: "absent" }
  | { readonly type: "header"; readonly lengthBytes: number; readonly connection: ProxiedConnection }
  | { readonly type: "invalid"; readonly reason: string };

const signature = Uint8Array.of(0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a);
const textPrefix = latin1Bytes("PROXY ");
/** §2.1: the longest line, its CRLF included. */
const maxLineBytes = 107;
const fixedBytes = 16;
const authorityType = 0x02;

const incomplete: ProxyHeaderResult = { type: "incomplete" };
const absent: ProxyHeaderResult = { type: "absent" };

const invalid = (reason: string): ProxyHeaderResult => ({ type: "invalid", reason });

/** `bytes`: what a connection began with, all of it so far. */
export function readProxyHeader(bytes: Uint8Array): ProxyHeaderResult {
  if (bytes.length === 0) return incomplete;
  if (isPrefix(bytes, signature)) return bytes.length < fixedBytes ? incomplete : readBinary(bytes);
  if (isPrefix(bytes, textPrefix)) return bytes.length < textPrefix.length ? incomplete : readText(bytes);
  return absent;
}

/** Whether the two agree as far as the shorter goes. */
function isPrefix(bytes: Uint8Array, expected: Uint8Array): boolean {
  return expected.subarray(0, bytes.length).every((byte, index) => byte === bytes[index]);
}

function readText(bytes: Uint8Array): ProxyHeaderResult {
  const line = latin1(bytes.subarray(0, maxLineBytes));
  const end = line.indexOf("\r\n");
  if (end < 0) return bytes.length < maxLineBytes ? incomplete : invalid("a line without an end");
  const lengthBytes = end + 2;
  const [, family, ...fields] = line.slice(0, end).split(" ");
  if (family === "UNKNOWN") return { type: "header", lengthBytes, connection: {} };
  if (family !== "TCP4" && family !== "TCP6") return invalid("a family that is none of TCP4, TCP6, UNKNOWN");
  const [from, to, fromPort, toPort] = fields;
  if (fields.length !== 4) return invalid(`${fields.length} fields after the family; expected 4`);
  const source = place(from!, fromPort!, family);
  const destination = place(to!, toPort!, family);
  if (!source || !destination) return invalid("an address or port that is none");
  return { type: "header", lengthBytes, connection: { source, destination } };
}

function place(address: string, port: string, family: "TCP4" | "TCP6"): SocketPlace | undefined {
  const isText4 = !address.includes(":");
  if (isText4 !== (family === "TCP4") || !parseIpAddress(address)) return undefined;
  if (!/^(0|[1-9][0-9]{0,4})$/.test(port) || Number(port) > 65_535) return undefined;
  return { address: address.toLowerCase(), port: Number(port) };
}

function readBinary(bytes: Uint8Array): ProxyHeaderResult {
  const [versionAndCommand, family] = bytes.subarray(12);
  const restBytes = readU16(bytes, 14);
  if (versionAndCommand! >> 4 !== 2) return invalid(`version ${versionAndCommand! >> 4}`);
  const command = versionAndCommand! & 0xf;
  if (command > 1) return invalid(`command ${command}`);
  if (restBytes > limits.proxyHeaderBytes) return invalid(`a header of ${restBytes} bytes`);
  const lengthBytes = fixedBytes + restBytes;
  if (bytes.length < lengthBytes) return incomplete;
  // LOCAL: the sender speaks for itself, such as for a health check; whatever follows is not looked at.
  if (command === 0) return { type: "header", lengthBytes, connection: {} };
  const rest = bytes.subarray(fixedBytes, lengthBytes);
  const addressBytes = family === 0x11 ? 4 : family === 0x21 ? 16 : 0;
  // Other families are legal, and say nothing of a TCP client.
  if (addressBytes === 0) return { type: "header", lengthBytes, connection: {} };
  if (rest.length < 2 * addressBytes + 4) return invalid("addresses that end early");
  const values = readValues(rest.subarray(2 * addressBytes + 4));
  if (!values) return invalid("a type-length-value that ends early");
  const name = values.get(authorityType);
  const connection: ProxiedConnection = {
    source: {
      address: addressText(rest.subarray(0, addressBytes)),
      port: readU16(rest, 2 * addressBytes),
    },
    destination: {
      address: addressText(rest.subarray(addressBytes, 2 * addressBytes)),
      port: readU16(rest, 2 * addressBytes + 2),
    },
    ...(name && name.length <= limits.hostnameChars && { serverName: latin1(name).toLowerCase() }),
  };
  return { type: "header", lengthBytes, connection };
}

/** Undefined: one of them claims more than there is. */
function readValues(bytes: Uint8Array): Map<number, Uint8Array> | undefined {
  const values = new Map<number, Uint8Array>();
  let at = 0;
  while (at < bytes.length) {
    if (at + 3 > bytes.length) return undefined;
    const end = at + 3 + readU16(bytes, at + 1);
    if (end > bytes.length) return undefined;
    values.set(bytes[at]!, bytes.subarray(at + 3, end));
    at = end;
  }
  return values;
}

/** What a connection to an endpoint begins with. */
export function encodeProxyHeader(version: ProxyProtocolVersion, connection: ProxiedConnection): Uint8Array {
  const source = connection.source && parseIpAddress(connection.source.address);
  const destination = connection.destination && parseIpAddress(connection.destination.address);
  if (!source || !destination)
    return version === "V1" ? latin1Bytes("PROXY UNKNOWN\r\n") : binaryHeader(0x20, 0, []);
  const ports = [connection.source.port, connection.destination.port] as const;
  const both4 = isIpv4(source) && isIpv4(destination);
  if (version === "V1") {
    const texts = [source, destination].map((address) => addressText(addressBytes(address, both4)));
    return latin1Bytes(`PROXY ${both4 ? "TCP4" : "TCP6"} ${texts.join(" ")} ${ports.join(" ")}\r\n`);
  }
  return binaryHeader(0x21, both4 ? 0x11 : 0x21, [
    ...addressBytes(source, both4),
    ...addressBytes(destination, both4),
    ...ports.flatMap(u16),
    ...nameValue(connection.serverName),
  ]);
}

function nameValue(serverName: string | undefined): number[] {
  if (serverName === undefined) return [];
  const name = latin1Bytes(serverName);
  return [authorityType, ...u16(name.length), ...name];
}

function binaryHeader(versionAndCommand: number, family: number, rest: readonly number[]): Uint8Array {
  return Uint8Array.of(...signature, versionAndCommand, family, ...u16(rest.length), ...rest);
}

/** IPv4 beside IPv6 is written as an IPv4-mapped address (RFC 4291 §2.5.5.2). */
function addressBytes(address: IpAddress, asIpv4: boolean): Uint8Array {
  const words = asIpv4 ? address.slice(3) : address;
  return Uint8Array.from(words.flatMap((word) => [...u16(word >>> 16), ...u16(word & 0xffff)]));
}

function addressText(bytes: Uint8Array): string {
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, index) => readU16(bytes, 2 * index).toString(16));
  // The platform knows the canonical text (RFC 5952).
  return new URL(`http://[${groups.join(":")}]`).hostname.slice(1, -1);
}

function u16(value: number): [number, number] {
  return [value >> 8, value & 0xff];
}

function readU16(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 8) | bytes[at + 1]!;
}

function latin1(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}

function latin1Bytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
