// RequestHeaderModifier and ResponseHeaderModifier as one list of operations, in the order they run.
import type { HeaderFrom, HeaderModifier, ResponseHeaderModifier } from "#contract/header-modifier.ts";
import type { HeaderFields } from "../forwarding/header-fields.ts";
import { compileHeaderReplacement, replaceField } from "./header-replacement.ts";
import {
  asFieldValue,
  compileRequestText,
  factOf,
  type ClientRequest,
  type MadeResponse,
} from "./request-text.ts";
import { compileResponseCondition, type ResponseCondition } from "./response-condition.ts";

export type HeaderOperation = HeaderChange & {
  /** Of responses, those that the change is for. Absent: every one. */
  readonly isFor?: ResponseCondition;
};

type HeaderChange =
  | { readonly kind: "replace"; readonly name: string; readonly replace: (value: string) => string }
  | { readonly kind: "remove"; readonly name: string }
  | { readonly kind: "set" | "add"; readonly name: string; readonly value: string }
  | {
      readonly kind: "setFrom" | "addFrom";
      readonly name: string;
      /** `undefined`: nothing to say. */
      readonly valueOf: (request: ClientRequest, response: MadeResponse) => string | undefined;
    };

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
 * Operations of one modifier: replace, remove, then set (and setFrom), then add (and addFrom), as Envoy runs them. (The Gateway API forbids several actions
 * on one name, so the order only shows in configurations that it calls invalid.) Protected names are left out.
 */
export function compileHeaderOperations(modifier: HeaderModifier): HeaderOperation[] {
  const operations: HeaderOperation[] = [
    ...(modifier.replace ?? []).map((replacement) => ({
      kind: "replace" as const,
      name: replacement.name.toLowerCase(),
      replace: compileHeaderReplacement(replacement),
    })),
    ...modifier.remove.map((name) => ({ kind: "remove" as const, name: name.toLowerCase() })),
    ...modifier.set.map(({ name, value }) => ({ kind: "set" as const, name: name.toLowerCase(), value })),
    ...compileHeadersFrom("setFrom", modifier.setFrom),
    ...modifier.add.map(({ name, value }) => ({ kind: "add" as const, name: name.toLowerCase(), value })),
    ...compileHeadersFrom("addFrom", modifier.addFrom),
  ];
  return operations.filter(({ name }) => !isProtectedHeader(name));
}

export function compileResponseOperations({
  statusCodes,
  responseHeaders,
  not,
  ...modifier
}: ResponseHeaderModifier): HeaderOperation[] {
  const operations = compileHeaderOperations(modifier);
  const isFor = compileResponseCondition({ statusCodes, responseHeaders, not });
  if (!isFor) return operations;
  return operations.map((operation) => ({ ...operation, isFor }));
}

export function compileHeadersFrom(
  kind: "setFrom" | "addFrom",
  headers: readonly HeaderFrom[] = [],
): HeaderOperation[] {
  return headers.map(({ name, from, parts = [], keepEmptyValue = true }) => {
    const textOf = compileRequestText(parts);
    const valueOf = (request: ClientRequest, response: MadeResponse): string | undefined =>
      from ? factOf(request, from) : asFieldValue(textOf(request, response));
    return {
      kind,
      name: name.toLowerCase(),
      valueOf: keepEmptyValue
        ? valueOf
        : (request: ClientRequest, response: MadeResponse) => valueOf(request, response) || undefined,
    };
  });
}

/** Runs the operations in place; `status` is that of a response. Without a request, headers whose value is to come from it are taken away. */
export function applyHeaderOperations(
  operations: readonly HeaderOperation[] | undefined,
  headers: HeaderFields,
  request?: ClientRequest,
  status?: number,
): void {
  if (!operations) return;
  for (const operation of operations) {
    if (operation.isFor && !operation.isFor(status, headers)) continue;
    switch (operation.kind) {
      case "replace":
        replaceField(headers, operation.name, operation.replace);
        break;
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
        const value = request && operation.valueOf(request, { status, headers });
        // Whatever the client has put there is not what the rule asks for.
        if (value === undefined) headers.delete(operation.name);
        else headers.set(operation.name, value);
        break;
      }
      case "addFrom": {
        const value = request && operation.valueOf(request, { status, headers });
        if (value !== undefined) headers.append(operation.name, value);
        break;
      }
    }
  }
}
