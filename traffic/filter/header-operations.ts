// RequestHeaderModifier and ResponseHeaderModifier as one list of operations, in the order they run.
import type { HeaderModifier } from "#contract/http-route.ts";
import type { HeaderFields } from "../forwarding/header-fields.ts";

export type HeaderOperation =
  | { readonly kind: "remove"; readonly name: string }
  | { readonly kind: "set" | "add"; readonly name: string; readonly value: string };

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
 * Operations of one modifier: remove, then set, then add, as Envoy runs them. (The Gateway API forbids several actions
 * on one name, so the order only shows in configurations that it calls invalid.) Protected names are left out.
 */
export function compileHeaderOperations(modifier: HeaderModifier): HeaderOperation[] {
  const operations: HeaderOperation[] = [
    ...modifier.remove.map((name) => ({ kind: "remove" as const, name: name.toLowerCase() })),
    ...modifier.set.map(({ name, value }) => ({ kind: "set" as const, name: name.toLowerCase(), value })),
    ...modifier.add.map(({ name, value }) => ({ kind: "add" as const, name: name.toLowerCase(), value })),
  ];
  return operations.filter(({ name }) => !isProtectedHeader(name));
}

/** Runs the operations in place. */
export function applyHeaderOperations(
  operations: readonly HeaderOperation[] | undefined,
  headers: HeaderFields,
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
    }
  }
}
