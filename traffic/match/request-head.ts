// What the matcher and the filters may know of a request: no body, no platform object, nothing mutable.

import type { ClientCertificateFacts } from "../access/distinguished-name.ts";
import type { Claims } from "../access/identity.ts";
import type { CounterView } from "../counter/counter-view.ts";

/** Head of a request, as the gateway's first stages hand it on. */
export interface RequestHead {
  /** As sent; methods are case-sensitive (RFC 9110 §9.1). */
  readonly method: string;
  /** Lower case, without port and trailing dot (see `parseHost`). */
  readonly host: string;
  /** Starts with `/`; the result of `normalizePath`, and exactly what is forwarded. */
  readonly path: string;
  /** Raw, without the leading `?`; empty when there is none. */
  readonly query: string;
  /** The client's address as `ForwardingChain.clientAddress` has it; absent: in no network. */
  readonly clientAddress?: string;
  /** Of the TLS handshake, lower case; empty: the client sent none. Absent: not known, or no TLS. */
  readonly serverName?: string | undefined;
  /** Of the client's end of the connection. Absent: not known. */
  readonly clientPort?: string | undefined;
  /** `HTTP/1.1`, `HTTP/2`. Absent: not known, and taken for HTTP/1.1. */
  readonly protocol?: string | undefined;
  /** `TLSv1.3`, and the name of a cipher as OpenSSL has it. Absent: not known, or no TLS. */
  readonly tlsVersion?: string | undefined;
  readonly tlsCipher?: string | undefined;
  /** The same for the whole life of the request, and no other's. Absent: it is not a real one. */
  readonly uniqueId?: string | undefined;
  /** When it came, since the epoch. Absent: it is not a real one. */
  readonly timeMs?: number | undefined;
  /** Of the TLS handshake. Absent: not known, or no TLS. */
  readonly clientCertificate?: ClientCertificateFacts | undefined;
  /** Absent: it is not a real one. */
  readonly counters?: CounterView | undefined;
  /** Of the verified token, none without one; absent: no token has been looked at, and conditions on claims count as met. */
  readonly claims?: Claims | undefined;
  /** How many endpoints of a backend are up; `undefined`: there is none of that name. */
  endpointsUp?(backend: string): number | undefined;
  /** Value of a header by its lower-case name; several field lines are joined with `, `. `null`: not present. */
  header(name: string): string | null;
}
