// Frontends, backends and listens with what they inherit from `defaults` (§4).
import type { Notes } from "./notes.ts";
import { wordAt, type Section, type Statement } from "./statement.ts";

export interface Proxy {
  readonly kind: "frontend" | "backend" | "listen";
  readonly name: string;
  readonly heading: Statement;
  /** Inherited ones first. */
  readonly statements: readonly Statement[];
}

/** Longest chain of `defaults x from y`. */
const maxAncestors = 32;

/** A `defaults` section holds until the next; those with a name can be picked by `from`. */
export function readProxies(sections: readonly Section[], notes: Notes): Proxy[] {
  const named = new Map<string, readonly Statement[]>();
  let inherited: readonly Statement[] = [];
  let ancestors = 0;
  const proxies: Proxy[] = [];
  for (const section of sections) {
    const parent = section.from && named.get(section.from.text);
    if (section.from && !parent) {
      const message = `no defaults section is named ${JSON.stringify(section.from.text)} above`;
      notes.add(section.heading, { code: "reference-unknown", message, word: section.from });
    }
    if (section.kind === "defaults") {
      ancestors = parent ? ancestors + 1 : 0;
      if (ancestors > maxAncestors) {
        notes.add(section.heading, {
          code: "limit-exceeded",
          message: `more than ${maxAncestors} defaults in a row`,
        });
        continue;
      }
      inherited = [...(parent ?? []), ...section.statements];
      if (section.name !== "") named.set(section.name, inherited);
    } else if (isProxy(section)) {
      const { kind, name, heading } = section;
      proxies.push({ kind, name, heading, statements: [...(parent ?? inherited), ...section.statements] });
    }
  }
  reportRepeated(proxies, notes);
  return proxies;
}

function isProxy(section: Section): section is Section & { kind: Proxy["kind"] } {
  return section.kind === "frontend" || section.kind === "backend" || section.kind === "listen";
}

/** A frontend and a backend may share a name. */
function reportRepeated(proxies: readonly Proxy[], notes: Notes): void {
  for (const role of ["frontend", "backend"] as const) {
    const seen = new Set<string>();
    for (const { kind, name, heading } of proxies) {
      if (kind !== role && kind !== "listen") continue;
      if (seen.has(name)) {
        notes.add(heading, {
          code: "name-duplicate",
          message: `another ${role} is already named ${JSON.stringify(name)}`,
        });
      }
      seen.add(name);
    }
  }
}

/** Statements that begin with a keyword, inherited ones first. */
export function statementsOf(proxy: Proxy, keyword: string, second?: string): Statement[] {
  return proxy.statements.filter(
    (statement) =>
      wordAt(statement, 0) === keyword && (second === undefined || wordAt(statement, 1) === second),
  );
}

/** Of settings the last one counts; `no …` and `default …` take back what was inherited. */
export function settingOf(proxy: Proxy, keyword: string, second?: string): Statement | undefined {
  const last = statementsOf(proxy, keyword, second).at(-1);
  return last?.prefix ? undefined : last;
}

/** HAProxy's own default is tcp. */
export function isHttp(proxy: Proxy): boolean {
  const mode = settingOf(proxy, "mode");
  return mode !== undefined && wordAt(mode, 1) === "http";
}
