// Checks that several kinds have in common.
import { parseAddress } from "../../native/address.ts";
import { at, invalid, type Place } from "../../kubernetes/field-notes.ts";
import type { Labels } from "../../kubernetes/labels.ts";

const label = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/i;

/** A name of DNS, whose last dot may stand there; `wildcard`: also with `*` for its first label. */
export function isDnsName(name: string, wildcard = false): boolean {
  const labels = name.replace(/\.$/, "").split(".");
  if (wildcard && labels[0] === "*") labels.shift();
  return name.length <= 255 && labels.every((one) => label.test(one));
}

/** `*`, `*.example.com` and, as Istio takes it, `*example.com`. */
export function isWildcardName(host: string): boolean {
  return host === "*" || isDnsName(host.replace(/^\*(?=[^.])/, ""), true);
}

export function isAddressOrName(address: string): boolean {
  return parseAddress(address) !== undefined || isDnsName(address);
}

/** Each item whose `keyOf` another one before it has. */
export function repeated<T>(items: readonly T[], keyOf: (item: T) => unknown): number[] {
  const seen = new Set<unknown>();
  return items.flatMap((item, index) => {
    const key = keyOf(item);
    if (key === undefined || !seen.has(key)) {
      seen.add(key);
      return [];
    }
    return [index];
  });
}

/** `validateWorkloadSelector`: labels are compared as they are. */
export function admitLabels(labels: Labels | undefined, place: Place): void {
  for (const [name, value] of Object.entries(labels ?? {})) {
    if (name === "") invalid(place, "a label has no name");
    else if (name.includes("*") || value.includes("*"))
      invalid(at(place, name), "labels have no wildcards: no workload is selected by this one");
  }
}
