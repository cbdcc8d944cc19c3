// A proxy's rules as steps in the order in which HAProxy takes them; what a step does may depend on what is known of the
// request where it is taken.
import type { z } from "zod";
import type { filterSchema, PathModifier } from "#contract/http-route.ts";
import type { ResponseMatch } from "#contract/response-match.ts";
import type { Condition } from "../condition/condition.ts";
import type { Changes, Sources, Surroundings } from "../condition/changes.ts";
import type { ConnectionInput } from "../model/connection-limits.ts";
import type { ProxySenders } from "../model/proxied-binds.ts";
import type { Statement } from "../statement.ts";
import type { ReplyPages } from "../action/reply.ts";
import type { Counted } from "./counters.ts";
import { noEdits, type HeaderEdits } from "./header-edits.ts";
import type { TargetDraft } from "./target-draft.ts";

export type Filter = z.input<typeof filterSchema>;

/** What the steps so far do to a request and to its response. */
export interface Draft {
  readonly requestHeaders: HeaderEdits;
  readonly responseHeaders: HeaderEdits;
  /** Behind those, one after the other. */
  readonly laterHeaders: readonly LaterHeader[];
  /** Of the headers, what also holds for responses that are made here (`http-after-response`). */
  readonly afterHeaders: HeaderEdits;
  /** Of several for one response the first counts. */
  readonly overrides: readonly Override[];
  /** Behind those. */
  readonly statusChanges: readonly Override[];
  /** New Host. */
  readonly hostname?: string;
  readonly path?: PathModifier;
  /** In place of `path`. */
  readonly target?: TargetDraft;
  readonly changes: Changes;
  readonly sources: Sources;
  /** What has been counted. Absent: nothing can be. */
  readonly counted?: Counted;
  /** The backend that was entered, and the server in it that comes before the others. */
  readonly backend?: string;
  readonly server?: string;
  /** Names of rate limit policies. */
  readonly rateLimits: readonly string[];
  readonly basicAuth?: BasicAuth;
  /** Longest body that requests may have. */
  readonly bodyBytes?: number;
}

/** A change to one header that is made in some responses, or follows one that is. */
export interface LaterHeader {
  /** Lower case. */
  readonly name: string;
  readonly match: ResponseMatch | undefined;
  readonly edits: HeaderEdits;
  /** Names of the headers that it looks at. */
  readonly reads: readonly string[];
}

export type Override = Extract<Filter, { type: "ResponseOverride" }>["responseOverride"][number];

export interface BasicAuth {
  readonly users: readonly string[];
  readonly realm?: string;
}

export const emptyDraft: Draft = {
  requestHeaders: noEdits,
  responseHeaders: noEdits,
  laterHeaders: [],
  afterHeaders: noEdits,
  overrides: [],
  statusChanges: [],
  changes: new Map(),
  sources: new Map(),
  rateLimits: [],
};

/** Where a step is taken. */
export interface Situation {
  readonly surroundings: Surroundings;
  readonly draft: Draft;
  /** Which message the step is for. Absent: requests. */
  readonly message?: "response";
  /** Of the proxy where the step stands, and of the frontend that it was entered from. */
  readonly pages: ReplyPages;
}

/** Functions throw `StatementProblem`; the step is then left out. */
export type Effect =
  /** Ends the request here. */
  | { readonly kind: "answer"; readonly filters: (situation: Situation) => Filter[] }
  | {
      readonly kind: "change";
      /** Requests that there is nothing to change of are not among them. Default: all. */
      readonly where?: Condition;
      readonly change: (situation: Situation) => Draft;
    }
  /** Ends the phase. */
  | { readonly kind: "leave" }
  /** Goes on in a backend. */
  | { readonly kind: "use"; readonly backend: string };

export interface Step {
  readonly statement: Statement;
  readonly condition: Condition;
  readonly effect: Effect;
  /** How many of the steps behind it are other cases of the same statement; only one case is taken. Default: none. */
  readonly others?: number;
}

/** Each phase is a list of steps; `leave` goes to the next one. */
export interface Program {
  readonly heading: Statement;
  /** Clients whose connections begin with the PROXY protocol, besides those of binds that say so. */
  readonly proxySenders: ProxySenders | undefined;
  readonly connectionLimits: ConnectionInput;
  /** `tcp-request`, `http-request`, statistics, `redirect`. */
  readonly request: readonly (readonly Step[])[];
  /** `use_backend` and `default_backend`; of a backend empty. */
  readonly switching: readonly Step[];
  /** `use-server`. */
  readonly servers: readonly Step[];
  /** `http-response`. */
  readonly response: readonly Step[];
  /** `http-after-response`, which also sees what is answered here. */
  readonly afterResponse: readonly Step[];
  /** What stands for HAProxy's own pages of errors. */
  readonly pages: ReplyPages;
}
