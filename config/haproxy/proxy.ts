// Frontends, backends and listens with what they inherit from `defaults` (§4).
import type { Notes } from "./notes.ts";
import { wordAt, type Section, type Statement } from "./statement.ts";

export interface Proxy {
  readonly kind: "frontend" | "backend" | "listen";
  readonly name: string;
  readonly heading: Statement;
  readonly settings: Settings;
}

/** Statements of a section, and the settings that it inherits. */
export interface Settings {
  readonly inherited?: Settings;
  readonly statements: readonly Statement[];
  readonly byKeyword: ReadonlyMap<string, readonly Statement[]>;
}

/** Longest chain of `defaults x from y`. */
const maxAncestors = 32;

/** A `defaults` section holds until the next; those with a name can be picked by `from`. */
export function readProxies(sections: readonly Section[], notes: Notes): Proxy[] {
  const named = new Map<string, Settings>();
  let current: Settings | undefined;
  const proxies: Proxy[] = [];
  for (const section of sections) {
    const parent = section.from && named.get(section.from.text);
    if (section.from && !parent) {
      const message = `no defaults section is named ${JSON.stringify(section.from.text)} above`;
      notes.add(section.heading, { code: "reference-unknown", message, word: section.from });
    }
    if (section.kind === "defaults") {
      if (depthOf(parent) >= maxAncestors) {
        const message = `more than ${maxAncestors} defaults in a row`;
        notes.add(section.heading, { code: "limit-exceeded", message });
        continue;
      }
      current = settingsOf(section.statements, parent);
      if (section.name !== "") named.set(section.name, current);
    } else if (isProxy(section)) {
      const { kind, name, heading } = section;
      proxies.push({ kind, name, heading, settings: settingsOf(section.statements, parent ?? current) });
    }
  }
  reportRepeated(proxies, notes);
  return proxies;
}

function settingsOf(statements: readonly Statement[], inherited: Settings | undefined): Settings {
  const byKeyword = Map.groupBy(statements, (statement) => wordAt(statement, 0));
  return { statements, byKeyword, ...(inherited && { inherited }) };
}

function depthOf(settings: Settings | undefined): number {
  return settings ? 1 + depthOf(settings.inherited) : 0;
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
        const message = `another ${role} is already named ${JSON.stringify(name)}`;
        notes.add(heading, { code: "name-duplicate", message });
      }
      seen.add(name);
    }
  }
}

/** Statements that begin with a keyword, inherited ones first. */
export function statementsOf({ settings }: Pick<Proxy, "settings">, keyword: string): Statement[] {
  return statementsIn(settings, keyword);
}

/** The same for the settings of a section, or for what it inherits. */
export function statementsIn(start: Settings | undefined, keyword: string): Statement[] {
  const found: Statement[][] = [];
  for (let settings = start; settings; settings = settings.inherited) {
    found.push([...(settings.byKeyword.get(keyword) ?? [])]);
  }
  return found.toReversed().flat();
}

/** Of settings the last one counts; `no …` and `default …` take back what was inherited. */
export function settingOf(proxy: Proxy, keyword: string, second?: string): Statement | undefined {
  for (let settings: Settings | undefined = proxy.settings; settings; settings = settings.inherited) {
    const last = settings.byKeyword
      .get(keyword)
      ?.findLast((statement) => second === undefined || wordAt(statement, 1) === second);
    if (last) return last.prefix ? undefined : last;
  }
  return undefined;
}

/** HAProxy's own default is tcp. */
export function isHttp(proxy: Proxy): boolean {
  const mode = settingOf(proxy, "mode");
  return mode !== undefined && wordAt(mode, 1) === "http";
}
