// A row of the table of annotations: values, and what is seen of them in the running gateway.
import type { Answer, Ask } from "../system/http.ts";

/** Sends to the sample's own host. */
export type Send = (request?: Partial<Ask>) => Promise<Answer>;

/** One request and what becomes of it. Requests of a sample are sent one after the other. */
export interface See {
  /** To the sample's own host, unless it says otherwise. */
  readonly ask?: Partial<Ask> & { readonly https?: true };
  /** Default: 200. */
  readonly status?: number;
  /** Of the answer; `null`: not there. */
  readonly headers?: Readonly<Record<string, string | RegExp | null>>;
  /** What the endpoint got. */
  readonly seen?: {
    readonly url?: string;
    readonly method?: string;
    readonly headers?: Readonly<Record<string, string | RegExp | null>>;
  };
  /** Who answers: `web` (the sample's own Service), `canary` or `pages`. */
  readonly by?: "web" | "canary" | "pages";
}

export interface Sample {
  readonly value: string;
  /** Further annotations of the same Ingress. */
  readonly with?: Readonly<Record<string, string>>;
  /** Annotations of a canary of the Ingress. */
  readonly canary?: Readonly<Record<string, string>>;
  /** The annotation is the canary's, rather than the main Ingress's. */
  readonly onCanary?: true;
  readonly paths?: readonly string[];
  /** The host has a TLS section. */
  readonly tls?: true;
  /** The Service has no endpoints. */
  readonly withoutEndpoints?: true;
  /** What is said of the value is a warning with this text. Absent: nothing is said. */
  readonly warns?: string;
  readonly see?: readonly See[];
  /** What takes more than single requests to see. */
  readonly observe?: (send: Send) => Promise<void>;
  /** What cannot be seen by requests alone: the sample's backend of the model. */
  readonly backend?: object;
  /** Its limits. */
  readonly limits?: object;
  /** The first rule of the sample's route that has backends. */
  readonly rule?: object;
  /** Real nginx does the same. */
  readonly nginx?: true;
}

export interface Row {
  readonly samples: readonly Sample[];
  /** Values that ingress-nginx does not take, or that cannot be honoured: an error with this text. */
  readonly refused?: Readonly<Record<string, string>>;
  /** For `refused`: annotations beside it. */
  readonly beside?: Readonly<Record<string, string>>;
}

export type Rows = Readonly<Record<string, Row>>;

/** The annotation has no effect here: said so, and served like any other Ingress. */
export function withoutEffect(
  value: string,
  warns: string,
  more: Omit<Row, "samples"> & { readonly inert?: readonly string[] } = {},
): Row {
  const { inert = [], ...others } = more;
  const served = { see: [{ by: "web" as const }] };
  return {
    samples: [{ value, warns, ...served }, ...inert.map((one) => ({ value: one, ...served }))],
    ...others,
  };
}

export const notFlag = { maybe: 'expected "true" or "false"' } as const;
export const notInteger = { many: "expected a whole number" } as const;
export const notSize = { large: "expected a size such as" } as const;
