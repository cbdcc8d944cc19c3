// What is known of a connection at its beginning, as far as its bytes have come.
import type { ConnectionCondition } from "#contract/connection-inspection.ts";
import { limits } from "#contract/limits.ts";
import { ClientHelloReader, type HelloResult } from "./client-hello.ts";
import { readHttpVersion } from "./http-start.ts";
import { readPayload } from "./payload.ts";
import { readRdpCookie } from "./rdp-cookie.ts";
import { known, nothing, unfinished, type Reading } from "./start-reading.ts";

/** What is known before any byte. */
export interface ConnectionFacts {
  readonly clientAddress: string;
  readonly port: number;
  /** Where TLS has ended in front, or no bytes are there to look at. */
  readonly serverName?: string | undefined;
  /** In the latter case. */
  readonly transportProtocol?: "tls" | undefined;
}

/** All of its bytes are looked at again whenever more have come, but for the ClientHello, which is read once. */
export class ConnectionStart {
  readonly #facts: ConnectionFacts;
  readonly #hello = new ClientHelloReader();
  #helloResult: HelloResult = { type: "incomplete" };
  #bytes: Uint8Array = new Uint8Array(0);
  #isEnded = false;

  constructor(facts: ConnectionFacts) {
    this.#facts = facts;
  }

  /** Whether nothing more is to be waited for. */
  get isEnded(): boolean {
    return this.#isEnded || this.#bytes.length >= limits.inspectedBytes;
  }

  /** The next bytes. */
  push(bytes: Uint8Array): void {
    const whole = new Uint8Array(this.#bytes.length + bytes.length);
    whole.set(this.#bytes);
    whole.set(bytes, this.#bytes.length);
    this.#bytes = whole;
    if (this.#helloResult.type === "incomplete") this.#helloResult = this.#hello.push(bytes);
  }

  /** The client has ended, or time is up. */
  end(): void {
    this.#isEnded = true;
  }

  read(condition: ConnectionCondition): Reading {
    const { values, isOpen } = this.#reading(condition);
    return { values, isOpen: isOpen && !this.isEnded };
  }

  #reading({ field, name, payload }: ConnectionCondition): Reading {
    switch (field) {
      case "ClientIP":
        return known(this.#facts.clientAddress);
      case "Port":
        return known(String(this.#facts.port));
      case "InspectionEnd":
        return this.isEnded ? known("") : unfinished;
      case "Length":
        return { values: [String(this.#bytes.length)], isOpen: true };
      case "Payload":
        return readPayload(this.#bytes, payload);
      case "HTTPVersion":
        return readHttpVersion(this.#bytes);
      case "RDPCookie":
        return readRdpCookie(this.#bytes, name);
      default:
        return this.#ofHello(field);
    }
  }

  #ofHello(field: "TransportProtocol" | "ServerName" | "ApplicationProtocol" | "TLSVersion"): Reading {
    const { serverName, transportProtocol } = this.#facts;
    if (field === "ServerName" && serverName !== undefined) return known(serverName);
    if (field === "TransportProtocol" && transportProtocol) return known(transportProtocol);
    const hello = this.#helloResult;
    if (hello.type === "incomplete") return unfinished;
    if (hello.type === "invalid") return nothing;
    if (field === "TransportProtocol") return known("tls");
    if (field === "TLSVersion") return known(String(hello.version));
    if (field === "ApplicationProtocol") return { values: hello.protocols, isOpen: false };
    return hello.serverName === undefined ? nothing : known(hello.serverName);
  }
}
