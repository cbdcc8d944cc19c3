// Follows every way that requests of one kind can take through a frontend and its backends, and writes each down as one
// rule. The first rule that matches is the one that HAProxy would arrive at.
import type { ResponseMatch } from "#contract/response-match.ts";
import { pageFor } from "../action/answer.ts";
import { replyFilter, type ReplyPages } from "../action/reply.ts";
import type { Condition } from "../condition/condition.ts";
import { conjoinForms, disjunctiveForm, type Conjunction } from "../condition/normal-form.ts";
import type { Surroundings } from "../condition/changes.ts";
import { learn, specialize } from "../condition/specialize.ts";
import type { Notes } from "../notes.ts";
import { attempt, unsupported } from "../statement-problem.ts";
import type { Statement } from "../statement.ts";
import { Counted, type Counters, type CountingInput } from "./counters.ts";
import { withFallbacks, type Fallback } from "./fallbacks.ts";
import { toModifier, withHeaders, type HeaderEdits } from "./header-edits.ts";
import type { Reach } from "./reach.ts";
import { targetText } from "./target-draft.ts";
import {
  emptyDraft,
  type BasicAuth,
  type Draft,
  type Filter,
  type LaterHeader,
  type Program,
  type Situation,
  type Step,
} from "./program.ts";

export interface OrderedRule {
  /** The statement that sends requests here. */
  readonly statement: Statement;
  /** Alternatives; an empty one takes every request. */
  readonly alternatives: readonly Conjunction[];
  readonly filters: readonly Filter[];
  /** Absent: a filter answers. */
  readonly backend?: string;
  /** The server of the backend that comes before the others. Absent: none does. */
  readonly server?: string;
  readonly rateLimits: readonly string[];
  readonly counting: readonly CountingInput[];
  readonly basicAuth?: BasicAuth;
  readonly bodyBytes?: number;
  readonly fallback?: Fallback;
}

/** Rules that may still be made, over all runs. */
export interface Budget {
  rules: number;
}

/** Backends by the name in the configuration. A missing one is reported where it is named. */
export type Programs = ReadonlyMap<string, Program>;

export interface RunOptions {
  readonly surroundings: Surroundings;
  readonly backends: Programs;
  readonly notes: Notes;
  readonly budget: Budget;
  readonly reach: Reach;
  readonly counters: Counters;
}

/** One way through the steps: which requests take it, and what has become of them. */
interface Way {
  readonly statement: Statement;
  readonly alternatives: readonly Conjunction[];
  readonly facts: Map<string, boolean>;
  readonly draft: Draft;
  readonly pages: ReplyPages;
  /** What is done to answers that are given here. */
  readonly afterResponse: readonly (readonly Step[])[];
}

/** Rules in the order in which they are to be tried; the last one takes every request that is left. */
export function runProgram(frontend: Program, options: RunOptions): OrderedRule[] {
  const run = new Run(frontend, options);
  run.walk(
    frontend.request,
    {
      statement: frontend.heading,
      alternatives: [[]],
      facts: new Map(),
      draft: { ...emptyDraft, counted: new Counted(options.counters) },
      pages: frontend.pages,
      afterResponse: [frontend.afterResponse],
    },
    (way) => run.switch(way),
  );
  return withFallbacks(run.rules);
}

/** The backend's own pages, and those of the frontend for what it has none for. */
export function pagesOf(frontend: Program, backend: Program | undefined): ReplyPages {
  return new Map([...frontend.pages, ...(backend?.pages ?? [])]);
}

class Run {
  readonly rules: OrderedRule[] = [];
  readonly #frontend: Program;
  readonly #options: RunOptions;

  constructor(frontend: Program, options: RunOptions) {
    this.#frontend = frontend;
    this.#options = options;
  }

  switch(way: Way): void {
    this.walk([this.#frontend.switching], way, (rest) => {
      // What HAProxy answers when no backend is left.
      const filter = this.#attempt(rest, () => replyFilter(pageFor(503, rest.pages), this.#situation(rest)));
      if (filter) this.#answer(rest, [filter]);
    });
  }

  /** Takes the steps from one on; `end` goes on with the requests that no step has ended. */
  walk(
    phases: readonly (readonly Step[])[],
    start: Way,
    end: (way: Way) => void,
    [firstPhase, firstStep]: readonly [number, number] = [0, 0],
  ): void {
    // What a branch learns is no business of those beside it.
    let way: Way = { ...start, facts: new Map(start.facts) };
    for (let phase = firstPhase; phase < phases.length; phase += 1) {
      const steps = phases[phase]!;
      for (let index = phase === firstPhase ? firstStep : 0; index < steps.length; index += 1) {
        const step = steps[index]!;
        const branch = this.#branch(way, step);
        if (!branch) continue;
        const { effect } = step;
        if (effect.kind === "change") {
          const draft = this.#attempt(step, () => effect.change(this.#situation(way)));
          if (!draft) continue;
          const next = index + 1 + (step.others ?? 0);
          if (branch.isCertain) {
            way = { ...way, draft };
            index = next - 1;
            continue;
          }
          this.walk(phases, { ...branch.way, draft }, end, [phase, next]);
        } else if (effect.kind === "leave") {
          if (branch.isCertain) break;
          this.walk(phases, branch.way, end, [phase + 1, 0]);
        } else {
          this.#options.reach.take(step);
          this.#finish(step, branch.way);
          if (branch.isCertain) {
            this.#cutOff([...steps.slice(index + 1), ...phases.slice(phase + 1).flat()], branch.way);
            return;
          }
        }
        learn(way.facts, branch.condition, false);
      }
    }
    end(way);
  }

  /** Steps that the way does not get to: it has ended. */
  #cutOff(steps: readonly Step[], { statement, draft, facts }: Way): void {
    const { surroundings, reach } = this.#options;
    for (const step of steps) {
      if (step.effect.kind !== "use" && step.effect.kind !== "answer") continue;
      const condition = this.#attempt(step, () => specialize(step.condition, surroundings, draft, facts));
      if (condition && !(condition.kind === "constant" && !condition.value)) reach.cutOff(step, statement);
    }
  }

  /** The requests of a way for which the step's condition holds; `undefined`: none. */
  #branch(way: Way, step: Step): { way: Way; condition: Condition; isCertain: boolean } | undefined {
    return this.#attempt(step, () => {
      const { surroundings } = this.#options;
      const condition = specialize(step.condition, surroundings, way.draft, way.facts);
      if (condition.kind === "constant") {
        if (condition.value)
          return { way: { ...way, statement: step.statement }, condition, isCertain: true };
        this.#options.reach.exclude(step);
        return undefined;
      }
      const form = disjunctiveForm(condition);
      const alternatives = form && conjoinForms(way.alternatives, form);
      if (!alternatives) unsupported("the condition has too many alternatives", "Split the rule.");
      if (alternatives!.length === 0) {
        this.#options.reach.exclude(step);
        return undefined;
      }
      const facts = new Map(way.facts);
      learn(facts, condition, true);
      return {
        way: { ...way, statement: step.statement, alternatives: alternatives!, facts },
        condition,
        isCertain: false,
      };
    });
  }

  #finish(step: Step, way: Way): void {
    const { effect } = step;
    if (effect.kind === "answer") {
      const filters = this.#attempt(step, () => effect.filters(this.#situation(way)));
      if (filters) this.#answer(way, filters);
    } else if (effect.kind === "use") {
      const backend = this.#options.backends.get(effect.backend);
      if (backend) this.#enter(backend, effect.backend, way);
    }
  }

  #answer(way: Way, filters: readonly Filter[]): void {
    this.walk(way.afterResponse, way, (done) => {
      this.#emit(done, [...filters, ...responseFilters(done.draft)]);
    });
  }

  #enter(backend: Program, name: string, start: Way): void {
    // The frontend may stand here without the steps of other hosts.
    const isSame = backend.heading === this.#frontend.heading;
    const both = (own: readonly Step[], front: readonly Step[]) => (isSame ? [own] : [own, front]);
    const afterResponse = both(backend.afterResponse, this.#frontend.afterResponse);
    const pages = pagesOf(this.#frontend, backend);
    const request = [...(isSame ? [] : backend.request), backend.servers];
    const entered = { ...start, draft: { ...start.draft, backend: name }, afterResponse, pages };
    this.walk(request, entered, (way) => {
      const response = [...both(backend.response, this.#frontend.response), ...afterResponse];
      this.walk(response, way, (done) => this.#emit(done, filtersOf(done.draft), name));
    });
  }

  #emit(way: Way, filters: readonly Filter[], backend?: string): void {
    const { budget } = this.#options;
    budget.rules -= 1;
    if (budget.rules < 0) return;
    const { statement, alternatives, draft } = way;
    const { rateLimits, basicAuth, bodyBytes, server, counted } = draft;
    const all = this.#attempt(way, () => withOverrides(filters, draft));
    if (!all) return;
    this.rules.push({
      statement,
      alternatives,
      filters: all,
      rateLimits,
      counting: counted?.list ?? [],
      ...(bodyBytes !== undefined && { bodyBytes }),
      ...(basicAuth && { basicAuth }),
      ...(backend !== undefined && { backend, ...(server !== undefined && { server }) }),
    });
  }

  #situation({ draft, pages }: Way): Situation {
    return { surroundings: this.#options.surroundings, draft, pages };
  }

  #attempt<T>({ statement }: Step | Way, act: () => T): T | undefined {
    return this.#options.budget.rules < 0 ? undefined : attempt(statement, this.#options.notes, act);
  }
}

function responseFilters({ responseHeaders, laterHeaders }: Draft): Filter[] {
  const all = [{ edits: responseHeaders, match: undefined }, ...joinLater(laterHeaders)];
  return all.flatMap(({ edits, match }): Filter[] => {
    const modifier = toModifier(edits);
    if (!modifier) return [];
    const responseHeaderModifier = { ...modifier, ...match };
    return [{ type: "ResponseHeaderModifier", responseHeaderModifier }];
  });
}

/** Changes of which none looks at what another makes are one filter. */
function joinLater(
  laterHeaders: readonly LaterHeader[],
): { edits: HeaderEdits; match?: ResponseMatch | undefined }[] {
  const groups: { edits: HeaderEdits; match?: ResponseMatch | undefined; reads: readonly string[] }[] = [];
  for (const { name, match, edits, reads } of laterHeaders) {
    const last = groups.at(-1);
    const isApart =
      last?.match !== undefined ||
      match !== undefined ||
      !last ||
      last.edits.has(name) ||
      last.reads.includes(name) ||
      reads.some((read) => last.edits.has(read));
    if (isApart) groups.push({ edits, match, reads });
    else {
      last.edits = new Map([...last.edits, ...edits]);
      last.reads = [...last.reads, ...reads];
    }
  }
  return groups;
}

/** All overrides of a rule are one filter. */
function withOverrides(
  filters: readonly Filter[],
  { overrides, statusChanges, afterHeaders }: Draft,
): readonly Filter[] {
  if (overrides.length + statusChanges.length === 0) return filters;
  const own = filters.flatMap((filter) =>
    filter.type === "ResponseOverride" ? filter.responseOverride : [],
  );
  const made = overrides.map((override) => ({
    ...override,
    response: withHeaders(override.response, afterHeaders),
  }));
  const responseOverride = [...own, ...made, ...statusChanges];
  if (responseOverride.length > maxOverrides) {
    unsupported(`more than ${maxOverrides} responses are replaced for one request`, "Join their conditions.");
  }
  return [
    ...filters.filter(({ type }) => type !== "ResponseOverride"),
    { type: "ResponseOverride", responseOverride },
  ];
}

const maxOverrides = 32;

function filtersOf(draft: Draft): Filter[] {
  const { requestHeaders, hostname, path, target } = draft;
  const request = toModifier(requestHeaders);
  const urlRewrite = {
    ...(hostname !== undefined && { hostname }),
    ...(target ? { target: targetText(target) } : path && { path }),
  };
  return [
    ...(request ? [{ type: "RequestHeaderModifier" as const, requestHeaderModifier: request }] : []),
    ...responseFilters(draft),
    ...(Object.keys(urlRewrite).length > 0 ? [{ type: "URLRewrite" as const, urlRewrite }] : []),
  ];
}
