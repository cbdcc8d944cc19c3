// Where a snapshot sends a request, and how it is handled on the way, in words that can be compared.
import type { Snapshot, SnapshotBackend, SnapshotBackendRef, SnapshotRule } from "#contract/snapshot.ts";
import { canonicalJson } from "#contract/canonical-json.ts";
import { combinePlans, compileFilters, type FilterPlan } from "../filter/compile.ts";
import { redirectLocation } from "../filter/redirect.ts";
import { targetText } from "../filter/target.ts";
import { compileMatcher, type RuleMatch } from "../match/matcher.ts";
import { createEntry, filteredRequest, type ExplainedRequest, type RequestEntry } from "./request-entry.ts";

export interface Destination {
  /** Who answers: an answer of the gateway, or endpoints with their shares and what they are asked for. */
  readonly text: string;
  /** Everything else that the request meets there: policies, headers, time limits. */
  readonly handling: string;
  /** Id of the rule, if one matches. */
  readonly rule?: string;
}

type Entered = Required<Pick<RequestEntry, "listener" | "head">> & RequestEntry;

/** To be made once per snapshot. Neither names of backends nor those of routes count, only what they stand for. */
export function createDestinations(snapshot: Snapshot): (request: ExplainedRequest) => Destination {
  const enter = createEntry(snapshot);
  const matcher = compileMatcher(snapshot);
  const backends = new Map(snapshot.backends.map((backend) => [backend.name, backend]));
  const views = new Map<SnapshotRule, RuleView>();
  return (request) => {
    const entry = enter(request);
    if (!isEntered(entry)) return { text: `refused: ${entry.refusal ?? ""}`, handling: "" };
    const match = matcher.match(entry.listener.name, entry.head);
    if (!match) return { text: "404", handling: "" };
    let view = views.get(match.rule);
    if (!view) views.set(match.rule, (view = viewOf(match, backends)));
    return { text: destinationOf(view, match, entry), handling: view.handling, rule: match.rule.id };
  };
}

function isEntered(entry: RequestEntry): entry is Entered {
  return entry.head !== undefined && entry.listener !== undefined;
}

/** What is the same for all requests of a rule. */
interface RuleView {
  readonly plan: FilterPlan;
  /** Backends with a share, and what is done for each. */
  readonly shares: readonly { readonly text: string; readonly plan: FilterPlan }[];
  readonly handling: string;
}

function viewOf(match: RuleMatch, backends: ReadonlyMap<string, SnapshotBackend>): RuleView {
  const { filters, backendRefs } = match.rule;
  const plan = compileFilters(filters);
  // Health is not known here: fallbacks are where requests do not go.
  const refs = backendRefs.filter(({ fallback }) => !fallback);
  const total = refs.reduce((sum, { weight }) => sum + weight, 0);
  const shares = refs
    .filter(({ weight }) => weight > 0)
    .map((ref) => ({
      text: `${percent(ref.weight, total)} ${targetOf(ref, backends)}`,
      plan: combinePlans(plan, compileFilters(ref.filters)),
    }));
  return { plan, shares, handling: handlingOf(match, backends) };
}

function destinationOf({ plan, shares }: RuleView, match: RuleMatch, entry: Entered): string {
  const answer = answerOf(plan, match, entry);
  if (answer !== undefined) return answer;
  if (shares.length === 0) return "500: no backend";
  return shares
    .map((share) => share.text + (answerOf(share.plan, match, entry) ?? askedOf(share.plan, match, entry)))
    .sort()
    .join(", ");
}

/** What the gateway answers itself. */
function answerOf(plan: FilterPlan, { prefixChars }: RuleMatch, entry: Entered): string | undefined {
  const request = filteredRequest(entry.head, entry.listener, entry.port);
  if (plan.redirect) {
    return `${plan.redirect.statusCode} ${redirectLocation(plan.redirect, request, prefixChars)}`;
  }
  if (plan.directResponse) return `${plan.directResponse.status} answered here`;
  return plan.statistics ? "200 statistics" : undefined;
}

/** Host and path where the endpoint sees others than the client sent. */
function askedOf({ rewrite }: FilterPlan, { prefixChars }: RuleMatch, entry: Entered): string {
  const { head } = entry;
  const target = rewrite?.target?.(filteredRequest(head, entry.listener, entry.port));
  const path = target ? targetText(target) : (rewrite?.path?.(head.path, prefixChars) ?? head.path);
  const host = rewrite?.hostname ?? head.host;
  return (host === head.host ? "" : ` as ${host}`) + (path === head.path ? "" : ` at ${path}`);
}

function targetOf({ backend }: SnapshotBackendRef, backends: ReadonlyMap<string, SnapshotBackend>): string {
  const found = backend === null ? undefined : backends.get(backend);
  if (!found) return "500: no such backend";
  const live = found.endpoints.filter(({ weight }) => weight > 0);
  if (live.length === 0) return `${found.name} (503: no endpoint)`;
  const { tunnel, protocol } = found;
  const place = live.map(({ id, weight }) => (weight === 1 ? id : `${id} x${weight}`)).sort();
  const via = tunnel === undefined ? "" : `${tunnel}: `;
  return `(${protocol === "HTTP" ? "" : `${protocol} `}${via}${place.join(" ")})`;
}

function percent(weight: number, total: number): string {
  return `${Number(((100 * weight) / total).toFixed(2))} %`;
}

/** The rule without what decides where its requests go. */
function handlingOf({ rule, route }: RuleMatch, backends: ReadonlyMap<string, SnapshotBackend>): string {
  const { id: _id, matches: _matches, priority: _priority, backendRefs, ...policies } = rule;
  const refs = backendRefs.map(({ backend, filters }) => {
    const {
      name: _name,
      endpoints: _endpoints,
      ...rest
    } = backends.get(backend ?? "") ?? { name: "", endpoints: [] };
    return { filters, ...rest };
  });
  return canonicalJson({ securityPolicy: route.securityPolicy, ...policies, refs });
}
