// A split that a client does not leave while the weights move in one direction: canary releases without state. Each client
// draws one number per backend from a keyed hash; the backend with the lowest -ln(draw)/weight wins (weighted rendezvous).
//
// A client changes from backend X to Y only where Y's weight grew relative to X's. So, as a canary's weight grows from 0 to
// 100 %, whoever is on it stays; with two backends, or while the others keep their proportions, all other clients stay where
// they are, too, and nobody changes twice. (No stateless rule can promise the last for arbitrary changes of three or more.)
import type { HashKey } from "./keyed-hash.ts";
import { keyedHash } from "./keyed-hash.ts";

export interface StickySplit {
  /** Index of the reference for this client, or -1 when no reference has weight. */
  pick(clientIdentity: string): number;
}

export interface StickyRef {
  /** Name of the backend: what is stable across versions of the configuration, unlike its place. */
  readonly name: string;
  /** Basis points or any other unit; only proportions count. */
  readonly weight: number;
}

/** `key` must stay the same for as long as clients shall stay where they are. */
export function compileStickySplit(refs: readonly StickyRef[], key: HashKey): StickySplit {
  const members = refs
    .map(({ name, weight }, index) => ({ index, name, weight, key: keyOf(key, name) }))
    .filter(({ weight }) => weight > 0)
    // Ties go to the first name, wherever it stands in the configuration.
    .sort((a, b) => (a.name < b.name ? -1 : 1));

  return {
    pick(clientIdentity) {
      let best = -1;
      let bestScore = Infinity;
      for (const member of members) {
        const draw = (keyedHash(member.key, clientIdentity) + 0.5) / 2 ** 32;
        const score = -Math.log(draw) / member.weight;
        if (score < bestScore) {
          best = member.index;
          bestScore = score;
        }
      }
      return best;
    },
  };
}

function keyOf(key: HashKey, name: string): HashKey {
  return [keyedHash(key, `0${name}`), keyedHash(key, `1${name}`)];
}
