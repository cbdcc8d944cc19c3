// A rule with a security policy and nothing else, for tests of access control in the gateway's own runtime.
import { GatewayError } from "#contract/error.ts";
import { type SecurityPolicy, securityPolicySchema } from "#contract/security-policy.ts";
import type { Identity } from "#traffic/access/identity.ts";
import type { z } from "zod";
import { Exchange } from "../exchange.ts";
import type { SnapshotPlan } from "../plan/snapshot-plan.ts";
import { admit } from "../stage/admit.ts";
import { askFirst } from "../stage/ask-first.ts";
import { authenticate } from "../stage/authenticate.ts";
import { authorize } from "../stage/authorize.ts";
import { compose, type RuleScope } from "../stage/stage.ts";
import { type AccessInputs, compileAccessPolicy } from "./access-policy.ts";
import { type KeyLocation, RemoteKeys } from "./remote-keys.ts";

export interface Passed {
  readonly identity: Identity;
  /** As the endpoint sees them. */
  readonly headers: Headers;
  readonly query: string;
  readonly body: string;
  /** Headers of the response. */
  readonly told: Headers;
}

/** What became of a request: what the endpoint got, or the answer, or the error's code and challenge. */
export type Outcome =
  | { readonly passed: Passed }
  | { readonly response: Response }
  | { readonly code: string; readonly message: string; readonly challenge: string | undefined };

export interface Gate {
  /** Waits for what requests have left running. */
  settled(): Promise<void>;
  ask(request: Request, options?: { client?: string }): Promise<Outcome>;
}

export interface GateOptions {
  readonly fetch?: AccessInputs["fetch"];
  readonly callBackend?: AccessInputs["callBackend"];
  readonly nowMs?: () => number;
}

export function gateOf(policy: z.input<typeof securityPolicySchema>, options: GateOptions = {}): Gate {
  const { fetch = noFetch, callBackend = noFetch, nowMs = () => Date.now() } = options;
  const parsed: SecurityPolicy = securityPolicySchema.parse(policy);
  const keys = new Map<string, RemoteKeys>();
  const remoteKeys = (source: KeyLocation): RemoteKeys => {
    const known = keys.get(source.uri) ?? new RemoteKeys({ source, fetch, nowMs, log: () => undefined });
    keys.set(source.uri, known);
    return known;
  };
  const access = compileAccessPolicy(parsed, { fetch, callBackend, nowMs, remoteKeys });
  let passed: Passed | undefined;
  const running: Promise<unknown>[] = [];
  const handler = compose([admit, askFirst, authenticate, authorize, () => endpoint], {
    access,
  } as RuleScope);
  async function endpoint(exchange: Exchange): Promise<Response> {
    const headers = new Headers(exchange.request.headers);
    exchange.upstreamIdentity?.apply(headers);
    const body = await Promise.race([new Response(exchange.body).text(), abortOf(exchange.bodySignal)]);
    passed = { identity: exchange.identity, headers, query: exchange.query, body, told: new Headers() };
    return new Response("passed");
  }
  return {
    async settled() {
      await Promise.all(running.splice(0));
    },
    async ask(request, { client = "10.0.0.1" } = {}) {
      passed = undefined;
      try {
        const response = await handler(exchangeOf(request, client, running));
        return passed ? { passed: { ...(passed as Passed), told: response.headers } } : { response };
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        const challenge = error.answer?.headers?.["www-authenticate"];
        return { code: error.code, message: error.message, challenge };
      }
    },
  };
}

function exchangeOf(request: Request, client: string, running: Promise<unknown>[]): Exchange {
  const url = new URL(request.url);
  const lifetime = { waitUntil: (promise: Promise<unknown>) => void running.push(promise) };
  return Object.assign(new Exchange(request, lifetime, {} as SnapshotPlan, Date.now()), {
    scheme: url.protocol === "https:" ? "https" : "http",
    authority: url.host,
    host: url.hostname,
    path: url.pathname,
    query: url.search.slice(1),
    chain: { clientAddress: client, addresses: [client], trusted: false },
  });
}

/** As a fetch that is aborted. */
function abortOf(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener("abort", () => reject(new Error("aborted")));
  });
}

async function noFetch(): Promise<never> {
  throw new Error("no fetch was expected");
}
