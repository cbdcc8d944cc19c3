// What the Worker learns about a client's connection as `request.cf`: the names are Cloudflare's, the client address is
// `ADDRESS:PORT` as workerd itself writes it.
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { SocketPlace } from "#traffic/connection/proxy-protocol.ts";

/** Cloudflare's `tlsClientAuth`, as far as the gateway reads it. */
export interface TlsClientAuth {
  readonly certPresented: "0" | "1";
  /** `NONE`, `SUCCESS` or `FAILED:<reason>`. */
  readonly certVerified: string;
  /** RFC 9440 §2.1: the certificate's DER as a structured-field byte sequence, `:base64:`. */
  readonly certRFC9440: string;
  /** Distinguished names (RFC 2253); absent without a certificate. */
  readonly certSubjectDNRFC2253?: string;
  readonly certIssuerDNRFC2253?: string;
}

/** What a listener knows of who is at the other end of a connection, besides what its socket says. */
export interface Peer {
  /** Absent: the listener asks for no certificate. */
  readonly clientAuth?: TlsClientAuth | undefined;
  /** Whom the PROXY protocol names. Absent: the other end is the client. */
  readonly client?: SocketPlace | undefined;
}

export interface ConnectionFacts {
  readonly clientIp: string;
  /** Where the connection was accepted, likewise. */
  readonly serverIp: string;
  readonly httpProtocol: string;
  /** Absent on listeners without TLS. */
  readonly tlsVersion?: string;
  readonly tlsCipher?: string;
  /** The server name that the client asked for (SNI), lower case; empty: none. Absent on listeners without TLS. */
  readonly tlsServerName?: string;
  readonly tlsClientAuth?: TlsClientAuth;
  /** The client takes trailers: by this token a hub marks a body that has them (decision 0012). */
  readonly trailers?: string;
  /** Where a hub brings informational answers for the request (decision 0021). */
  readonly informational?: string;
  /** The request's `Trailer`: its body is in frames, with those fields behind it. */
  readonly requestTrailers?: string;
}

/** `httpVersion` as Node gives it: `1.1`, `2.0`. */
export function connectionFacts(
  socket: Socket | TLSSocket,
  httpVersion: string,
  { clientAuth, client }: Peer,
  more: Pick<ConnectionFacts, "trailers" | "informational" | "requestTrailers">,
): ConnectionFacts {
  return {
    clientIp: client
      ? placeText(client.address, client.port)
      : placeText(socket.remoteAddress ?? "", socket.remotePort ?? 0),
    serverIp: placeText(socket.localAddress ?? "", socket.localPort ?? 0),
    httpProtocol: httpVersion === "2.0" ? "HTTP/2" : `HTTP/${httpVersion}`,
    ...("encrypted" in socket && {
      tlsVersion: socket.getProtocol() ?? "",
      tlsCipher: socket.getCipher()?.name ?? "",
      tlsServerName: typeof socket.servername === "string" ? socket.servername.toLowerCase() : "",
    }),
    ...(clientAuth && { tlsClientAuth: clientAuth }),
    ...more,
  };
}

/** A connection has many requests, and one handshake. */
const known = new WeakMap<TLSSocket, TlsClientAuth>();

/** The verdict of the handshake on the client's certificate. */
export function tlsClientAuth(socket: TLSSocket): TlsClientAuth {
  let auth = known.get(socket);
  if (!auth) known.set(socket, (auth = readClientAuth(socket)));
  return auth;
}

function readClientAuth(socket: TLSSocket): TlsClientAuth {
  const certificate = socket.getPeerX509Certificate();
  if (!certificate) return { certPresented: "0", certVerified: "NONE", certRFC9440: "" };
  // Node's types say Error; it is OpenSSL's name for the reason, such as CERT_HAS_EXPIRED.
  const reason = String(socket.authorizationError ?? "unknown");
  return {
    certPresented: "1",
    certVerified: socket.authorized ? "SUCCESS" : `FAILED:${reason}`,
    certRFC9440: `:${certificate.raw.toString("base64")}:`,
    certSubjectDNRFC2253: distinguishedName(certificate.subject),
    certIssuerDNRFC2253: distinguishedName(certificate.issuer),
  };
}

/**
 * Node has the parts of a name line by line, the first one first; what could end a line is escaped. What is not ASCII is
 * written as its bytes (RFC 2253 §2.4), as nginx does. An empty name is none to Node, whatever its types say.
 */
function distinguishedName(lines: string | undefined): string {
  const text = (lines ?? "").split("\n").reverse().join(",");
  return text.replace(/[^\u0020-\u007E]+/gu, (part) =>
    Array.from(Buffer.from(part), (byte) => `\\${byte.toString(16).toUpperCase().padStart(2, "0")}`).join(""),
  );
}

function placeText(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}
