// An issuer's keys, fetched when the machine of traffic/access/key-refresh.ts says so; never two fetches at once, and
// never a request that waits while there are keys to use.
import { GatewayError } from "#contract/error.ts";
import { remoteUriSchema } from "#contract/remote-uri.ts";
import type { JwtProvider } from "#contract/security-policy.ts";
import {
  fetchBegan,
  fetchEnded,
  type KeyRefreshState,
  missKey,
  needKeys,
  neverFetched,
} from "#traffic/access/key-refresh.ts";
import type { Lifetime } from "../exchange.ts";
import { withTimeLimit } from "../time-limit.ts";
import { readBounded } from "./bounded-body.ts";
import { createKeySet, type KeySet } from "./key-set.ts";

const fetchTimeoutMs = 3_000;
const maxSetBytes = 256 * 1024;

export type KeyLocation = NonNullable<JwtProvider["remoteJWKS"]>;

export interface RemoteKeysInputs {
  readonly source: KeyLocation;
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  readonly nowMs: () => number;
  readonly log: (event: string, fields: Record<string, unknown>) => void;
}

export class RemoteKeys {
  readonly #inputs: RemoteKeysInputs;
  #state: KeyRefreshState = neverFetched;
  #keys: KeySet | undefined;
  #fetching: Promise<void> | undefined;

  constructor(inputs: RemoteKeysInputs) {
    this.#inputs = inputs;
  }

  /** Rejects with `auth_unavailable` when there are no keys to use. */
  async current(lifetime: Lifetime): Promise<KeySet> {
    const step = needKeys(this.#inputs.source, this.#state, this.#inputs.nowMs());
    if (step.fetch) this.#begin(lifetime);
    if (!step.usable) await this.#settled();
    const { usable } = needKeys(this.#inputs.source, this.#state, this.#inputs.nowMs());
    if (!usable || !this.#keys) {
      throw new GatewayError("auth_unavailable", `no keys from ${this.#inputs.source.uri}`);
    }
    return this.#keys;
  }

  /** After a token that names a key which is not held: the keys as they are now. */
  async renewed(lifetime: Lifetime): Promise<KeySet> {
    if (missKey(this.#state, this.#inputs.nowMs()).fetch) this.#begin(lifetime);
    await this.#settled();
    return this.current(lifetime);
  }

  #begin(lifetime: Lifetime): void {
    const nowMs = this.#inputs.nowMs();
    // A fetch whose request was cancelled may never settle, so it does not count for ever.
    if (this.#fetching && nowMs - this.#state.attemptedAtMs < 2 * fetchTimeoutMs) return;
    this.#state = fetchBegan(this.#state, nowMs);
    const fetching = this.#fetch().finally(() => {
      if (this.#fetching === fetching) this.#fetching = undefined;
    });
    this.#fetching = fetching;
    lifetime.waitUntil(fetching);
  }

  /** Never rejects. */
  async #settled(): Promise<void> {
    if (this.#fetching) await withTimeLimit(this.#fetching, fetchTimeoutMs, () => undefined);
  }

  /** Never rejects. */
  async #fetch(): Promise<void> {
    const { source, nowMs, log } = this.#inputs;
    try {
      this.#keys = await this.#download();
      this.#state = fetchEnded(this.#state, true, nowMs());
    } catch (error) {
      this.#state = fetchEnded(this.#state, false, nowMs());
      log("jwks_fetch_failed", {
        uri: source.uri,
        reason: error instanceof Error ? error.message : String(error),
      });
    }
  }

  async #download(): Promise<KeySet> {
    const { uri, discovery } = this.#inputs.source;
    const signal = AbortSignal.timeout(fetchTimeoutMs);
    const location = discovery ? await this.#discover(uri, signal) : uri;
    return createKeySet(await this.#fetchJson(location, signal));
  }

  /** OpenID Connect Discovery 1.0 §4: the document must name the very issuer that was asked for. */
  async #discover(issuer: string, signal: AbortSignal): Promise<string> {
    const url = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
    const document = (await this.#fetchJson(url, signal)) as Record<string, unknown> | null;
    if (document?.["issuer"] !== issuer) throw new Error(`${url} is another issuer's`);
    const { success, data } = remoteUriSchema.safeParse(document["jwks_uri"]);
    if (!success) throw new Error(`${url} has no jwks_uri`);
    if (issuer.startsWith("https:") && !data.startsWith("https:"))
      throw new Error(`jwks_uri of ${url} has no TLS`);
    return data;
  }

  async #fetchJson(url: string, signal: AbortSignal): Promise<unknown> {
    const response = await this.#inputs.fetch(url, {
      // A redirect could lead to where nobody configured.
      redirect: "manual",
      signal,
      headers: { accept: "application/jwk-set+json, application/json" },
    });
    if (response.status !== 200) throw new Error(`status ${response.status}`);
    const { bytes, complete } = await readBounded(response.body, maxSetBytes);
    if (!complete) throw new Error(`longer than ${maxSetBytes} bytes`);
    return JSON.parse(new TextDecoder().decode(bytes));
  }
}
