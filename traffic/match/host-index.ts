// Look-up by host name: exact names, then `*.suffix` (one or more labels, longest suffix first), then any host.
// Cost: one hash look-up per label, however many names there are.
import { keptItem, type StepLength, type Steps } from "#contract/steps.ts";

export class HostIndex<T> {
  readonly #exact = new Map<string, T>();
  /** Keyed by the suffix with its dot: `.example.com`. */
  readonly #wildcard = new Map<string, T>();
  #any: T | undefined;

  /** The value of a host name as configured, made when it is new. An empty string stands for every host. */
  at(hostname: string, create: () => T): T {
    if (hostname === "") return (this.#any ??= create());
    const wildcard = hostname.startsWith("*.");
    const map = wildcard ? this.#wildcard : this.#exact;
    const key = (wildcard ? hostname.slice(1) : hostname).toLowerCase();
    const known = map.get(key);
    if (known !== undefined) return known;
    const created = create();
    map.set(key, created);
    return created;
  }

  /** The same names with other values. `previous`: where `convert` may find the value that the name had before. */
  *mapSteps<U>(
    convert: (value: T, before: U | undefined) => Steps<U>,
    previous: HostIndex<U> | undefined,
    step: StepLength,
  ): Steps<HostIndex<U>> {
    const index = new HostIndex<U>();
    const known = previous ?? new HostIndex<U>();
    for (const [from, to, before] of [
      [this.#exact, index.#exact, known.#exact],
      [this.#wildcard, index.#wildcard, known.#wildcard],
    ] as const) {
      for (const [host, value] of from) {
        to.set(host, yield* convert(value, before.get(host)));
        if (step.isFull(keptItem)) yield;
      }
    }
    if (this.#any !== undefined) index.#any = yield* convert(this.#any, known.#any);
    return index;
  }

  /** The value of the most specific name that covers a host (lower case, without port). */
  find(host: string): T | undefined {
    const exact = this.#exact.get(host);
    if (exact !== undefined) return exact;
    if (this.#wildcard.size > 0) {
      for (let dot = host.indexOf("."); dot > 0; dot = host.indexOf(".", dot + 1)) {
        const wildcard = this.#wildcard.get(host.slice(dot));
        if (wildcard !== undefined) return wildcard;
      }
    }
    return this.#any;
  }
}
