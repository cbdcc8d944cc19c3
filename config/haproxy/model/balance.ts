// `balance` → how an endpoint is picked.
import type { NativeConfigInput } from "../../native/schema.ts";
import { keywordsOf } from "../keyword-arguments.ts";
import type { Notes } from "../notes.ts";
import { settingOf, statementsOf, type Proxy } from "../proxy.ts";
import { attempt, invalid, unsupported } from "../statement-problem.ts";
import { wordAt, wordsFrom, type Statement } from "../statement.ts";

type BackendInput = NonNullable<NativeConfigInput["backends"]>[number];
export type LoadBalancer = NonNullable<BackendInput["loadBalancer"]>;
type ConsistentHash = NonNullable<LoadBalancer["consistentHash"]>;
type HashType = NonNullable<ConsistentHash["hashType"]>;

/** HAProxy's default is roundrobin. */
export function translateBalance(proxy: Proxy, notes: Notes): LoadBalancer {
  const sticks = statementsOf(proxy, "stick");
  const [stick] = sticks;
  const statement = stick ?? settingOf(proxy, "balance");
  const translated =
    statement &&
    attempt(statement, notes, () =>
      stick ? translateStick(sticks, notes) : readBalance(statement, proxy, notes),
    );
  return translated ?? { type: "RoundRobin" };
}

function readBalance(statement: Statement, proxy: Proxy, notes: Notes): LoadBalancer {
  const algorithm = wordAt(statement, 1).replace(/\(.*$/s, "");
  switch (algorithm) {
    case "":
    case "roundrobin":
    case "static-rr":
    // Servers of one priority each, see `backends.ts`.
    case "first":
      return { type: "RoundRobin" };
    case "leastconn":
      return { type: "LeastRequest", leastRequest: { exact: true } };
    case "random":
      return { type: "Random" };
    case "rdp-cookie": {
      const message = "connections are bound to a server by the client's address";
      notes.add(statement, { code: "statement-approximated", message });
      return asHaproxy({ type: "SourceIP" }, proxy, notes);
    }
    default: {
      const source = hashedOf(statement, algorithm, notes);
      // Of `hash src` HAProxy hashes the bytes of the address.
      if (algorithm === "hash" && source.type === "SourceIP")
        return { type: "ConsistentHash", consistentHash: source };
      return asHaproxy(source, proxy, notes);
    }
  }
}

function hashedOf(statement: Statement, algorithm: string, notes: Notes): ConsistentHash {
  switch (algorithm) {
    case "source":
      return { type: "SourceIP" };
    case "uri":
      return { type: "URI", ...readUri(statement) };
    case "url_param":
      if (wordAt(statement, 3) === "check_post") {
        const message = "the parameter is looked for in the query alone";
        notes.add(statement, { code: "statement-approximated", message, word: statement.words[3] });
      }
      return byName(statement, "QueryParam", wordAt(statement, 2));
    case "hdr":
      if (wordAt(statement, 2) === "use_domain_only") {
        const message = "the whole header counts, not only the domain's name in it";
        notes.add(statement, { code: "statement-approximated", message, word: statement.words[2] });
      }
      return byName(statement, "Header", inParentheses(wordAt(statement, 1)));
    case "hash":
      return byExpression(statement);
    default:
      return unsupported(
        `the algorithm ${JSON.stringify(algorithm)} is not available here`,
        "Use leastconn or roundrobin.",
      );
  }
}

/** `len`, `depth`, `whole`; the path alone counts in any case. */
function readUri(statement: Statement): Pick<ConsistentHash, "uri"> {
  let uri: NonNullable<ConsistentHash["uri"]> = {};
  for (const { name, word, argument } of keywordsOf(statement, 2)) {
    const count = (max: number): number => {
      const text = argument();
      if (!/^[1-9][0-9]{0,8}$/.test(text)) invalid(`${name} needs a number`, { word });
      return Math.min(Number(text), max);
    };
    if (name === "len") uri = { ...uri, length: count(16_384) };
    else if (name === "depth") uri = { ...uri, depth: count(256) };
    else if (name === "whole") uri = { ...uri, whole: true };
    else if (name !== "path-only") invalid("expected len, depth, whole or path-only", { word });
  }
  return Object.keys(uri).length > 0 ? { uri } : {};
}

/** `hash-type` and `hash-balance-factor`: each client goes to the server that it has with HAProxy. */
function asHaproxy(source: ConsistentHash, proxy: Proxy, notes: Notes): LoadBalancer {
  const hashType = readHashType(settingOf(proxy, "hash-type"), notes);
  const factor = settingOf(proxy, "hash-balance-factor");
  const percent = Number((factor && wordAt(factor, 1)) ?? 0);
  if (factor && !(Number.isInteger(percent) && (percent === 0 || percent > 100))) {
    invalid("expected hash-balance-factor 0 or more than 100");
  }
  const isBounded = hashType.method === "Consistent" && percent > 0;
  return {
    type: "ConsistentHash",
    consistentHash: {
      ...source,
      hashType,
      ...(isBounded && { hashBalanceFactor: Math.min(percent, 10_000) }),
    },
  };
}

const hashFunctions = { sdbm: "SDBM", djb2: "DJB2", wt6: "WT6", crc32: "CRC32", none: "None" } as const;

/** The defaults are map-based with sdbm, and of consistent sdbm with avalanche. */
function readHashType(statement: Statement | undefined, notes: Notes): HashType {
  const read = statement && attempt(statement, notes, () => hashTypeOf(statement));
  return read ?? { method: "MapBased" };
}

function hashTypeOf(statement: Statement): HashType {
  const [method, name, modifier] = wordsFrom(statement, 1);
  if (method !== "map-based" && method !== "consistent") invalid("expected map-based or consistent");
  const isOfPlainConsistent = method === "consistent" && name === undefined;
  if (name !== undefined && !Object.hasOwn(hashFunctions, name)) {
    invalid("expected sdbm, djb2, wt6, crc32 or none", { word: statement.words[2] });
  }
  if (modifier !== undefined && modifier !== "avalanche") {
    invalid("expected avalanche", { word: statement.words[3] });
  }
  return {
    method: method === "consistent" ? "Consistent" : "MapBased",
    ...(name !== undefined &&
      name !== "sdbm" && { function: hashFunctions[name as keyof typeof hashFunctions] }),
    ...((isOfPlainConsistent || modifier === "avalanche") && { avalanche: true }),
  };
}

/** Without a table, what a request has of a key stays with an endpoint by its hash. */
function translateStick(sticks: readonly Statement[], notes: Notes): LoadBalancer {
  const [statement] = sticks as [Statement];
  const keys = new Set(sticks.map((stick) => wordAt(stick, 2)));
  const isOfRequest = sticks.every((stick) => /^(?:on|match|store-request)$/.test(wordAt(stick, 1)));
  if (!isOfRequest) {
    unsupported("which server has answered with what is not remembered", "Use `cookie <name> insert`.");
  }
  if (sticks.some(({ words }) => words.some(({ text }) => text === "if" || text === "unless"))) {
    unsupported("requests are bound to a server without conditions", "Use `cookie <name> insert`.");
  }
  if (keys.size > 1) {
    unsupported("requests are bound to a server by one key", "Keep one of the `stick` rules.");
  }
  const consistentHash = byExpression(statement);
  const message = `requests are bound to a server by a hash of ${wordAt(statement, 2)}; \`balance\` has no say then`;
  notes.add(statement, { code: "statement-approximated", message });
  return { type: "ConsistentHash", consistentHash };
}

function byName(statement: Statement, type: "QueryParam" | "Header", name: string): ConsistentHash {
  if (name === "") invalid("the name is missing", { word: statement.words[1] });
  return type === "Header" ? { type, header: { name } } : { type, queryParam: { name } };
}

function byExpression(statement: Statement): ConsistentHash {
  const expression = wordAt(statement, 2);
  const name = inParentheses(expression);
  if (expression === "src") return { type: "SourceIP" };
  if (expression === "path") return { type: "URI" };
  if (/^(?:req\.)?f?hdr\([^,()]+\)$/.test(expression)) return byName(statement, "Header", name);
  if (/^(?:urlp|url_param)\([^,()]+\)$/.test(expression)) return byName(statement, "QueryParam", name);
  if (/^(?:req\.)?cook\([^,()]+\)$/.test(expression)) return { type: "Cookie", cookie: { name } };
  return unsupported(
    "the key of the hash is not available here",
    "Use src, path, hdr(name), url_param(name) or cook(name).",
  );
}

function inParentheses(text: string): string {
  return /\(([^,()]*)/.exec(text)?.[1] ?? "";
}
