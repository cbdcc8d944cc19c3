// Names of HAProxy's proxies as names of the model, each given once.

export interface Names {
  /** The name itself where it can stand; otherwise one like it, with a number if that one is taken. */
  take(wanted: string): string;
}

export function createNames(): Names {
  const taken = new Set<string>();
  const counts = new Map<string, number>();
  return {
    take: (wanted) => {
      const base = valid(wanted);
      let name = base;
      for (let count = counts.get(base) ?? 2; taken.has(name); count += 1) {
        name = `${base}-${count}`;
        counts.set(base, count + 1);
      }
      taken.add(name);
      return name;
    },
  };
}

/** HAProxy also allows `:` and punctuation at the ends; names of the model do not. */
function valid(wanted: string): string {
  const name = wanted
    .replace(/[^A-Za-z0-9._/-]/g, ".")
    .replace(/^[^A-Za-z0-9]+/, "")
    .slice(0, 240)
    .replace(/[^A-Za-z0-9]+$/, "");
  return name === "" ? "unnamed" : name;
}
