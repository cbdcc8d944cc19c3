// What conditions ask of a request beyond path and method, worked out when first asked and once per request.
import type { RequestHead } from "./request-head.ts";

export class RequestFacts {
  readonly head: RequestHead;
  #query: URLSearchParams | undefined;

  constructor(head: RequestHead) {
    this.head = head;
  }

  header(lowerCaseName: string): string | null {
    return this.head.header(lowerCaseName);
  }

  /** Decoded first value (`application/x-www-form-urlencoded`), as the Gateway API recommends for repeated ones. */
  queryParam(name: string): string | null {
    if (this.head.query === "") return null;
    return (this.#query ??= new URLSearchParams(this.head.query)).get(name);
  }
}
