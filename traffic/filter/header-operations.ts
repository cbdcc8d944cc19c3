// RequestHeaderModifier and ResponseHeaderModifier as one list of operations, in the order they run.
import type { RequestFact } from "#contract/http-field.ts";
import type { HeaderModifier } from "#contract/http-route.ts";
import type { HeaderFields } from "../forwarding/header-fields.ts";

export type HeaderOperation =
  | { readonly kind: "remove"; readonly name: string }
  | { readonly kind: "set" | "add"; readonly name: string; readonly value: string }
  | { readonly kind: "setFrom"; readonly name: string; readonly from: RequestFact };

/** The client's request, for values that come from it. */
export interface ClientRequest {
  /** `unknown`: no address. */
  readonly clientAddress: string;
  readonly scheme: string;
  /** Host, with the port that the client sent. */
  readonly authority: string;
  readonly method: string;
  readonly path: string;
  /** Raw, without `?`. */
  readonly query: string;
}

/**
 * Fields that no filter may touch: the message's framing, connection fields (RFC 9110 §7.6.1), the Host (rewritten
 * with URLRewrite), and what the gateway and its objects tell each other.
 */
const protectedNames = new Set([
  "connection",
  "content-length",
  "host",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

export function isProtectedHeader(lowerCaseName: string): boolean {
  return protectedNames.has(lowerCaseName) || lowerCaseName.startsWith("isthmus-");
}

/**
 * Operations of one modifier: remove, then set (and setFrom), then add, as Envoy runs them. (The Gateway API forbids several actions
 * on one name, so the order only shows in configurations that it calls invalid.) Protected names are left out.
 */
export function compileHeaderOperations(modifier: HeaderModifier): HeaderOperation[] {
  const operations: HeaderOperation[] = [
    ...modifier.remove.map((name) => ({ kind: "remove" as const, name: name.toLowerCase() })),
    ...modifier.set.map(({ name, value }) => ({ kind: "set" as const, name: name.toLowerCase(), value })),
    ...(modifier.setFrom ?? []).map(({ name, from }) => ({
      kind: "setFrom" as const,
      name: name.toLowerCase(),
      from,
    })),
    ...modifier.add.map(({ name, value }) => ({ kind: "add" as const, name: name.toLowerCase(), value })),
  ];
  return operations.filter(({ name }) => !isProtectedHeader(name));
}

/** Runs the operations in place. Without a request, headers whose value is to come from it are taken away. */
export function applyHeaderOperations(
  operations: readonly HeaderOperation[] | undefined,
  headers: HeaderFields,
  request?: ClientRequest,
): void {
  if (!operations) return;
  for (const operation of operations) {
    switch (operation.kind) {
      case "remove":
        headers.delete(operation.name);
        break;
      case "set":
        headers.set(operation.name, operation.value);
        break;
      case "add":
        headers.append(operation.name, operation.value);
        break;
      case "setFrom": {
        const value = request && factOf(request, operation.from);
        // Whatever the client has put there is not what the rule asks for.
        if (value === undefined) headers.delete(operation.name);
        else headers.set(operation.name, value);
        break;
      }
    }
  }
}

function factOf(request: ClientRequest, fact: RequestFact): string | undefined {
  switch (fact) {
    case "ClientIP":
      return request.clientAddress === "unknown" ? undefined : request.clientAddress;
    case "Scheme":
      return request.scheme;
    case "Host":
      return request.authority;
    case "Method":
      return request.method;
    case "Path":
      return request.path;
    case "Target":
      return request.query === "" ? request.path : `${request.path}?${request.query}`;
  }
}
