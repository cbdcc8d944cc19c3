// What a hub knows of the region: trust and the tunnel's configuration. Only newer versions replace what is held.
import { endpointKey, type Endpoint } from "#contract/snapshot.ts";
import type { HubPush, Trust, TunnelConfig } from "#contract/sync.ts";
import type { HubMessage } from "#contract/tunnel/control-message.ts";

export class HubKnowledge {
  #trust: Trust | undefined;
  #config: TunnelConfig | undefined;
  /** Each with its zone, if it has one. */
  #endpoints: ReadonlyMap<string, string | undefined> = new Map();

  get trust(): Trust | undefined {
    return this.#trust;
  }

  get trustVersion(): number {
    return this.#trust?.version ?? 0;
  }

  get configVersion(): number {
    return this.#config?.version ?? 0;
  }

  knowsEndpoint(key: string): boolean {
    return this.#endpoints.has(key);
  }

  zoneOf(key: string): string | undefined {
    return this.#endpoints.get(key);
  }

  /** Best first: by priority, and among equals those that `isHealthy` does not deny; then by chance. */
  endpointsOf(
    backend: string,
    isHealthy: (key: string) => boolean | undefined,
    random: () => number,
  ): Endpoint[] {
    const endpoints = this.#config?.backends.find(({ name }) => name === backend)?.endpoints ?? [];
    const rank = ({ id, priority = 0 }: Endpoint): number =>
      2 * priority + (isHealthy(endpointKey(backend, id)) === false ? 1 : 0);
    return endpoints
      .filter(({ weight }) => weight > 0)
      .map((endpoint) => ({ endpoint, rank: rank(endpoint), draw: random() }))
      .sort((a, b) => a.rank - b.rank || a.draw - b.draw)
      .map(({ endpoint }) => endpoint);
  }

  /** Returns what was new. */
  take(push: HubPush): { readonly trust?: Trust; readonly config?: TunnelConfig } {
    const trust = push.trust && push.trust.version > this.trustVersion ? push.trust : undefined;
    const config = push.config && push.config.version > this.configVersion ? push.config : undefined;
    if (trust) this.#trust = trust;
    if (config) {
      this.#config = config;
      this.#endpoints = new Map(
        config.backends.flatMap(({ name, endpoints }) =>
          endpoints.map(({ id, zone }) => [endpointKey(name, id), zone] as const),
        ),
      );
    }
    return { ...(trust && { trust }), ...(config && { config }) };
  }

  /** All of it, for an agent that has just connected. */
  messages(): HubMessage[] {
    const messages: HubMessage[] = [];
    if (this.#trust) messages.push(trustMessage(this.#trust));
    if (this.#config) messages.push(configMessage(this.#config));
    return messages;
  }
}

export function trustMessage({ version, trustDomain, rootsPem, signer }: Trust): HubMessage {
  return { type: "trust", version, trustDomain, rootsPem, ...(signer && { signer }) };
}

export function configMessage(config: TunnelConfig): HubMessage {
  return { type: "config", config };
}
