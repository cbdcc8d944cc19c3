// What a client is known by: the text that consistent hashing and sticky splits bind it with.
import type { ConsistentHashPolicy, KeySource } from "#contract/backend-policy.ts";
import type { RequestHead } from "../match/request-head.ts";
import { cookieValue } from "./session-cookie.ts";

/** `undefined`: the request does not have it. */
export type ClientKey = (head: RequestHead) => string | undefined;

/** What a key is taken from: of a sticky split, or of consistent hashing. */
export type KeyPolicy = KeySource & Pick<Partial<ConsistentHashPolicy>, "hashType" | "uri">;

/** With a `hashType`, texts are as HAProxy takes them: as they came in, and of a list the first element. */
export function compileKeySource({ type, header, cookie, queryParam, hashType, uri }: KeyPolicy): ClientKey {
  switch (type) {
    case "SourceIP":
      return ({ clientAddress }) => clientAddress;
    case "Header": {
      const name = header?.name.toLowerCase() ?? "";
      if (hashType) return (head) => head.header(name)?.split(",", 1)[0]!.trim() || undefined;
      return (head) => head.header(name) || undefined;
    }
    case "Cookie":
      return (head) => cookieValue(head.header("cookie"), cookie?.name ?? "") || undefined;
    case "QueryParam": {
      const name = queryParam?.name ?? "";
      if (hashType) return ({ query }) => rawParam(query, name);
      return ({ query }) => new URLSearchParams(query).get(name) || undefined;
    }
    case "URI":
      return uri ? (head) => partOfUri(head, uri) : ({ path }) => path;
  }
}

function rawParam(query: string, name: string): string | undefined {
  const parameter = query.split("&").find((one) => one.startsWith(`${name}=`));
  return parameter?.slice(name.length + 1);
}

type HashedUri = NonNullable<ConsistentHashPolicy["uri"]>;

function partOfUri({ path, query }: RequestHead, { length, depth, whole }: HashedUri): string {
  const target = (whole && query !== "" ? `${path}?${query}` : path).slice(0, length);
  // Up to the slash behind as many elements.
  return depth === undefined ? target : target.split("/", depth + 1).join("/");
}
