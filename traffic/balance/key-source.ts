// What a client is known by: the text that consistent hashing and sticky splits bind it with.
import type { KeySource } from "#contract/backend-policy.ts";
import type { RequestHead } from "../match/request-head.ts";
import { cookieValue } from "./session-cookie.ts";

/** `undefined`: the request does not have it. */
export type ClientKey = (head: RequestHead) => string | undefined;

export function compileKeySource({ type, header, cookie, queryParam }: KeySource): ClientKey {
  switch (type) {
    case "SourceIP":
      return ({ clientAddress }) => clientAddress;
    case "Header": {
      const name = header?.name.toLowerCase() ?? "";
      return (head) => head.header(name) || undefined;
    }
    case "Cookie":
      return (head) => cookieValue(head.header("cookie"), cookie?.name ?? "") || undefined;
    case "QueryParam":
      return ({ query }) => new URLSearchParams(query).get(queryParam?.name ?? "") || undefined;
    case "URI":
      return ({ path }) => path;
  }
}
