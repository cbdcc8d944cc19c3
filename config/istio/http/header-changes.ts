// `headers` of routes and destinations → filters.
import type { RuleInput } from "./match.ts";
import type { HeaderOperations } from "../kinds/virtual-service.ts";
import { approximated, at, type Place } from "../../kubernetes/field-notes.ts";

export type Filter = NonNullable<RuleInput["filters"]>[number];
type Modifier = Extract<Filter, { type: "RequestHeaderModifier" }>["requestHeaderModifier"];
type Fact = NonNullable<Modifier["setFrom"]>[number]["from"];

interface HeaderChanges {
  readonly request?: HeaderOperations | undefined;
  readonly response?: HeaderOperations | undefined;
}

/** `host`: set as a header, it is a rewrite (`isAuthorityHeader`). */
export function headerFilters(
  headers: HeaderChanges | undefined,
  place: Place,
): { readonly filters: Filter[]; readonly host?: string } {
  const { request, response } = headers ?? {};
  const filters: Filter[] = [];
  if (request) {
    const modifier = toModifier(request, at(place, "request"));
    if (modifier) filters.push({ type: "RequestHeaderModifier", requestHeaderModifier: modifier });
  }
  if (response) {
    const modifier = toModifier(response, at(place, "response"));
    if (modifier) filters.push({ type: "ResponseHeaderModifier", responseHeaderModifier: modifier });
  }
  const host = authorityOf(request?.set) ?? authorityOf(request?.add);
  return { filters, ...(host !== undefined && { host }) };
}

function authorityOf(headers: Readonly<Record<string, string>> | undefined): string | undefined {
  return Object.entries(headers ?? {}).find(([name]) => isAuthority(name))?.[1];
}

function isAuthority(name: string): boolean {
  return /^(?::authority|host)$/i.test(name);
}

function toModifier(
  { set = {}, add = {}, remove = [] }: HeaderOperations,
  place: Place,
): Modifier | undefined {
  const modifier = { replace: [], set: [], add: [], setFrom: [], addFrom: [], remove: [] } as Required<{
    [K in keyof Modifier]: NonNullable<Modifier[K]>;
  }>;
  for (const [part, headers] of [
    ["set", set],
    ["add", add],
  ] as const) {
    for (const [name, value] of Object.entries(headers)) {
      if (name.startsWith(":") || isAuthority(name)) continue;
      const made = madeValue(value);
      if (made.kind === "text") modifier[part].push({ name, value: made.text });
      else if (made.kind === "fact" && part === "set") modifier.setFrom.push({ name, from: made.fact });
      else {
        const message = `the value ${JSON.stringify(value)} cannot be had here: the header is not set, and the client's own is taken away`;
        approximated(at(place, part, name), message);
        modifier.remove.push(name);
      }
    }
  }
  modifier.remove.push(...remove.filter((name) => !name.startsWith(":") && !isAuthority(name)));
  const parts = Object.entries(modifier).filter(([, list]) => list.length > 0);
  return parts.length === 0 ? undefined : Object.fromEntries(parts);
}

/** Envoy's command operators that the model knows, too. */
const facts: Readonly<Record<string, Fact>> = {
  "%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%": "ClientIP",
  "%REQ(:authority)%": "Host",
  "%REQ(host)%": "Host",
  "%REQ(:method)%": "Method",
  "%REQ(:path)%": "Target",
  "%PATH(NQ)%": "Path",
  "%REQ(:scheme)%": "Scheme",
};

type MadeValue =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "fact"; readonly fact: Fact }
  | { readonly kind: "unknown" };

/** `%…%` is a command operator, `%%` a percent sign (Envoy, custom request/response headers). */
function madeValue(value: string): MadeValue {
  if (Object.hasOwn(facts, value)) return { kind: "fact", fact: facts[value]! };
  const text = value.replaceAll("%%", "");
  return /%[A-Z]/.test(text) ? { kind: "unknown" } : { kind: "text", text: value.replaceAll("%%", "%") };
}
