// What conditions ask of a request, worked out when first asked and once per request.
import { type IpAddress, parseIpAddress } from "../forwarding/ip-address.ts";
import { parseCookies } from "./cookies.ts";
import type { RequestHead } from "./request-head.ts";

export class RequestFacts {
  readonly head: RequestHead;
  /** The reading of the path that is matched: the head's, or that without its parameters. */
  readonly path: string;
  #query: URLSearchParams | undefined;
  #cookies: ReadonlyMap<string, string> | undefined;
  /** `null`: not an address. */
  #client: IpAddress | null | undefined;

  constructor(head: RequestHead, path: string = head.path) {
    this.head = head;
    this.path = path;
  }

  /** Decoded first value (`application/x-www-form-urlencoded`), as the Gateway API recommends for repeated ones. */
  queryParam(name: string): string | null {
    if (this.head.query === "") return null;
    return (this.#query ??= new URLSearchParams(this.head.query)).get(name);
  }

  /** First value of a cookie. */
  cookie(name: string): string | null {
    return (this.#cookies ??= parseCookies(this.head.header("cookie"))).get(name) ?? null;
  }

  get client(): IpAddress | null {
    return (this.#client ??= parseIpAddress(this.head.clientAddress ?? "") ?? null);
  }
}
