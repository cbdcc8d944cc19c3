// What listeners change in the headers of all their requests and responses, compiled once per snapshot.
import type { SnapshotListener } from "#contract/snapshot.ts";
import { compileHeaderOperations, type HeaderOperation } from "#traffic/filter/header-operations.ts";

export interface ListenerHeaders {
  readonly request: readonly HeaderOperation[];
  readonly response: readonly HeaderOperation[];
}

/** By the listener's name; those that change nothing are not among them. */
export function compileListenerHeaders(
  listeners: readonly SnapshotListener[],
): ReadonlyMap<string, ListenerHeaders> {
  const compiled = new Map<string, ListenerHeaders>();
  for (const { name, lateRequestHeaders, lateResponseHeaders } of listeners) {
    if (!lateRequestHeaders && !lateResponseHeaders) continue;
    compiled.set(name, {
      request: lateRequestHeaders ? compileHeaderOperations(lateRequestHeaders) : [],
      response: lateResponseHeaders ? compileHeaderOperations(lateResponseHeaders) : [],
    });
  }
  return compiled;
}
