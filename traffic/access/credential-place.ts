// Where a request carries a credential, and how it is taken out of what the endpoint sees.
import { parseCookies } from "../match/cookies.ts";
import type { RequestHead } from "../match/request-head.ts";

export type CredentialPlace =
  | { readonly type: "header"; readonly name: string; readonly valuePrefix: string }
  | { readonly type: "param"; readonly name: string }
  | { readonly type: "cookie"; readonly name: string };

export interface FoundCredential {
  readonly value: string;
  readonly place: CredentialPlace;
}

export interface ExtractFrom {
  readonly headers: readonly (string | { readonly name: string; readonly valuePrefix: string })[];
  readonly params: readonly string[];
  readonly cookies: readonly string[];
}

/** Headers, then query parameters, then cookies. */
export function credentialPlaces({ headers, params, cookies }: ExtractFrom): CredentialPlace[] {
  return [
    ...headers.map((header): CredentialPlace => {
      const { name, valuePrefix } = typeof header === "string" ? { name: header, valuePrefix: "" } : header;
      return { type: "header", name: name.toLowerCase(), valuePrefix };
    }),
    ...params.map((name): CredentialPlace => ({ type: "param", name })),
    ...cookies.map((name): CredentialPlace => ({ type: "cookie", name })),
  ];
}

/** The first place that holds something; several of one name are not tried one after the other. */
export function findCredential(
  places: readonly CredentialPlace[],
  head: RequestHead,
): FoundCredential | undefined {
  for (const place of places) {
    const value = readPlace(place, head);
    if (value !== undefined && value !== "") return { value, place };
  }
  return undefined;
}

function readPlace(place: CredentialPlace, head: RequestHead): string | undefined {
  if (place.type === "cookie") return parseCookies(head.header("cookie")).get(place.name);
  if (place.type === "param") {
    return head.query === "" ? undefined : (new URLSearchParams(head.query).get(place.name) ?? undefined);
  }
  const value = head.header(place.name.toLowerCase()) ?? "";
  const start = value.slice(0, place.valuePrefix.length);
  // RFC 9110 §11.1: the name of an authentication scheme has no case.
  if (start.toLowerCase() !== place.valuePrefix.toLowerCase()) return undefined;
  return value.slice(place.valuePrefix.length).trim();
}

/** The query without a parameter, the others as they were written. */
export function withoutParam(query: string, name: string): string {
  return query
    .split("&")
    .filter((pair) => !new URLSearchParams(pair).has(name))
    .join("&");
}

/** The Cookie header without a cookie; empty when there is no other. */
export function withoutCookie(header: string, name: string): string {
  return header
    .split(";")
    .filter((pair) => pair.split("=", 1)[0]!.trim() !== name)
    .join(";")
    .trim();
}
