// HTTPMatchRequest → matches of a rule, as far as they are not decided by where the request comes in.
import { methodSchema } from "#contract/http-route.ts";
import { hasLabels } from "../../kubernetes/labels.ts";
import type { RouteInput } from "../../kubernetes/model-parts.ts";
import { encodePath, literal } from "../../pattern-text.ts";
import { gatewayId } from "../host.ts";
import type { HttpMatch } from "../kinds/virtual-service.ts";
import type { StringMatch } from "../kinds/values.ts";
import type { Entry } from "../listen/entry.ts";
import { at, invalid, unsupported, type Place } from "../../kubernetes/field-notes.ts";
import { claimConditions, claimOf } from "./claim-match.ts";
import { holdsFor, isPresence, valueCondition } from "./string-match.ts";

export type RuleInput = RouteInput["rules"][number];
export type Match = NonNullable<RuleInput["matches"]>[number];
export type Exclusion = NonNullable<Match["not"]>[number];

/** Whether the match is for requests that come in there (`TranslateRoute`, `sourceMatchHTTP`). */
export function isFor(match: HttpMatch, entry: Entry, namespace: string): boolean {
  if (match.port !== undefined && match.port !== entry.port) return false;
  if (match.gateways?.length) {
    return match.gateways.some((gateway) => gatewayId(gateway, namespace) === entry.gateway);
  }
  if (!hasLabels({ labels: entry.labels }, match.sourceLabels ?? {})) return false;
  return match.sourceNamespace === undefined || match.sourceNamespace === entry.namespace;
}

/** Alternatives; none: no request can match. `readsTokens`: at the entry claims are known. */
export function toMatches(match: HttpMatch, entry: Entry, readsTokens: boolean, place: Place): Match[] {
  const scheme = entry.isTls ? "https" : "http";
  if (match.scheme && !decided(match.scheme, scheme, at(place, "scheme"))) return [];
  const { headers, not } = headerConditions(match, place);
  const tokens = claimConditions(match, readsTokens, place);
  if (!tokens) return [];
  not.push(...tokens.not);
  const queryParams = Object.entries(match.queryParams ?? {}).map(([name, value]) => ({
    name,
    ...valueCondition(value),
  }));
  const path = pathCondition(match);
  const common: Match = {
    ...(path && { path }),
    ...(headers.length > 0 && { headers }),
    ...(queryParams.length > 0 && { queryParams }),
    ...(tokens.claims.length > 0 && { claims: tokens.claims }),
    ...(not.length > 0 && { not }),
  };
  const methods = methodsOf(match, place);
  return methods ? methods.map((method) => ({ ...common, method })) : [common];
}

/** Envoy's prefixes are those of the text: `/a` takes `/ab`. */
function pathCondition({ uri, ignoreUriCase = false }: HttpMatch): Match["path"] {
  const { exact, prefix, regex } = uri ?? {};
  if (exact !== undefined) {
    return { type: "Exact", value: encodePath(exact), ...(ignoreUriCase && { ignoreCase: true }) };
  }
  if (regex !== undefined) return regex === ".*" ? undefined : { type: "RegularExpression", value: regex };
  if (prefix === undefined || prefix === "" || prefix === "/") return undefined;
  const flag = ignoreUriCase ? "(?i)" : "";
  return { type: "RegularExpression", value: `${flag}${literal(encodePath(prefix))}.*` };
}

/** No condition beyond the host: Istio moves such routes behind all others of the host (`IsCatchAllRoute`). */
export function isCatchAll(match: Match): boolean {
  return Object.keys(match).length === 0;
}

function headerConditions(
  match: HttpMatch,
  place: Place,
): { headers: Match["headers"] & object; not: Exclusion[] } {
  const headers: NonNullable<Match["headers"]> = [];
  const not: Exclusion[] = [];
  const authority = match.authority ?? match.headers?.[":authority"];
  if (authority && !isPresence(authority)) headers.push(hostCondition(authority));
  for (const [name, value] of Object.entries(match.headers ?? {})) {
    if (isPseudo(name, at(place, "headers", name)) || claimOf(name) !== undefined) continue;
    headers.push({ name, ...valueCondition(value) });
  }
  for (const [name, value] of Object.entries(match.withoutHeaders ?? {})) {
    const field = at(place, "withoutHeaders", name);
    if (isPseudo(name, field, []) || claimOf(name) !== undefined) continue;
    if (isPresence(value)) {
      headers.push({ name, type: "Absent" });
      continue;
    }
    not.push({ headers: [{ name, ...valueCondition(value) }] });
    // What is not there counts as empty (`treat_missing_header_as_empty`).
    if (holdsFor(value!, "")) not.push({ headers: [{ name, type: "Absent" }] });
  }
  return { headers, not };
}

function isPseudo(name: string, place: Place, known = [":authority", ":method"]): boolean {
  if (!name.startsWith(":")) return false;
  if (!known.includes(name))
    unsupported(place, `${name} is no header here`, "Write uri, scheme, method or authority.");
  return true;
}

/** The Host header has the port that the client wrote, and names have no case. */
function hostCondition({ exact, prefix, regex }: StringMatch): NonNullable<Match["headers"]>[number] {
  const port = exact?.includes(":") ? "" : "(?::[0-9]*)?";
  const value =
    exact !== undefined ? literal(exact) + port : prefix !== undefined ? `${literal(prefix)}.*` : regex!;
  return { name: "host", type: "RegularExpression", value: `(?i)${value}` };
}

function methodsOf(match: HttpMatch, place: Place): NonNullable<Match["method"]>[] | undefined {
  const method = match.method ?? match.headers?.[":method"];
  if (!method || isPresence(method)) return undefined;
  const known = methodSchema.options.filter((name) => holdsFor(method, name));
  if (known.length === methodSchema.options.length) return undefined;
  if (known.length === 0) {
    const message = `no method matches ${JSON.stringify(method.exact ?? method.prefix ?? method.regex)}`;
    unsupported(at(place, "method"), message, `Known are ${methodSchema.options.join(", ")}.`);
  }
  return known;
}

function decided(match: StringMatch, text: string, place: Place): boolean {
  const holds = holdsFor(match, text);
  if (holds === undefined) invalid(place, "not a regular expression");
  return holds ?? false;
}
