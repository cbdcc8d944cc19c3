// Hosts that a configuration treats alike. Routes are found by host first, so an ordered list of rules is worked out
// once for each class, with the tests of the host decided.
import { hostnameSchema } from "#contract/http-route.ts";
import { parseAddress } from "../../native/address.ts";
import { always, never, or, type Condition, type Test } from "./condition.ts";
import { decide } from "./decide.ts";

export type HostClass =
  | { readonly kind: "exact"; readonly name: string }
  /** Every host below; with the dot: `.example.com`. */
  | { readonly kind: "suffix"; readonly suffix: string }
  /** The hosts of no other class. */
  | { readonly kind: "other" }
  /** Every host: nothing is decided. */
  | { readonly kind: "any" };

/** The hosts that have a class of their own because of a test. */
export function hostClassesOf(test: Test): HostClass[] {
  if (test.subject.type !== "host") return [];
  const classes: HostClass[] = [];
  for (const value of test.values) {
    const [name] = splitPort(value.toLowerCase());
    if (test.operator === "exact" && isHostname(name)) classes.push({ kind: "exact", name });
    if (test.operator === "suffix" && isSuffix(value)) {
      classes.push({ kind: "suffix", suffix: value.toLowerCase() });
    }
  }
  return classes;
}

/** Host names compare without case, whatever the flags say (RFC 9110 §4.2.3). */
export function decideHost(test: Test, host: HostClass): Condition {
  if (host.kind === "any") return { kind: "test", test };
  const parts =
    test.operator === "present" ? [test] : test.values.map((value) => ({ ...test, values: [value] }));
  return or(parts.map((part) => decideOne(part, host)));
}

function decideOne(test: Test, host: Exclude<HostClass, { kind: "any" }>): Condition {
  const dynamic: Condition = { kind: "test", test };
  const value = test.values[0]?.toLowerCase() ?? "";
  if (test.operator === "present") return host.kind === "exact" ? always : dynamic;
  if (test.operator === "exact" && isHostname(splitPort(value)[0])) {
    const [name, port] = splitPort(value);
    if (host.kind !== "exact" || host.name !== name) return never;
    return port === undefined ? always : dynamic;
  }
  if (host.kind === "exact") {
    // Only a test of the whole header could see a port.
    if (value.includes(":")) return dynamic;
    const known = decide({ ...test, ignoreCase: true }, host.name);
    return known === undefined ? dynamic : known ? always : never;
  }
  if (test.operator !== "suffix" || !isSuffix(value)) return dynamic;
  return host.kind === "suffix" && host.suffix.endsWith(value) ? always : never;
}

function isSuffix(value: string): boolean {
  return value.startsWith(".") && isHostname(value.slice(1).toLowerCase()) && value.includes(".", 1);
}

function isHostname(name: string): boolean {
  return hostnameSchema.safeParse(name).success && !name.startsWith("*") && parseAddress(name) !== undefined;
}

function splitPort(value: string): [name: string, port: string | undefined] {
  const found = /^([^:]*):([0-9]+)$/.exec(value);
  return found ? [found[1]!, found[2]] : [value, undefined];
}
