// `balance` → how an endpoint is picked.
import { readDurationMs } from "../duration.ts";
import type { NativeConfigInput } from "../../native/schema.ts";
import type { Notes } from "../notes.ts";
import { settingOf, statementsOf, type Proxy } from "../proxy.ts";
import { attempt, invalid, unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";

type BackendInput = NonNullable<NativeConfigInput["backends"]>[number];
export type LoadBalancer = NonNullable<BackendInput["loadBalancer"]>;

/** HAProxy's default is roundrobin. */
export function translateBalance(proxy: Proxy, notes: Notes): LoadBalancer {
  const sticks = statementsOf(proxy, "stick");
  const [stick] = sticks;
  const statement = stick ?? settingOf(proxy, "balance");
  const translated =
    statement &&
    attempt(statement, notes, () => (stick ? translateStick(sticks, notes) : readBalance(statement, notes)));
  return translated ?? { type: "RoundRobin" };
}

function readBalance(statement: Statement, notes: Notes): LoadBalancer {
  const algorithm = wordAt(statement, 1).replace(/\(.*$/s, "");
  switch (algorithm) {
    case "roundrobin":
    case "static-rr":
    // Servers of one priority each, see `backends.ts`.
    case "first":
      return { type: "RoundRobin" };
    case "leastconn":
      return { type: "LeastRequest", leastRequest: { exact: true } };
    case "random":
      return { type: "Random" };
    case "source":
      return { type: "ConsistentHash", consistentHash: { type: "SourceIP" } };
    case "uri":
      if (statement.words.length > 2) {
        const message = "the whole path counts";
        notes.add(statement, { code: "statement-approximated", message, word: statement.words[2] });
      }
      return { type: "ConsistentHash", consistentHash: { type: "URI" } };
    case "url_param":
      return byName(statement, "QueryParam", wordAt(statement, 2));
    case "hdr":
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
  const loadBalancer = byExpression(statement);
  const message = `requests are bound to a server by a hash of ${wordAt(statement, 2)}; \`balance\` has no say then`;
  notes.add(statement, { code: "statement-approximated", message });
  return loadBalancer;
}

function byName(statement: Statement, type: "QueryParam" | "Header", name: string): LoadBalancer {
  if (name === "") invalid("the name is missing", { word: statement.words[1] });
  const source = type === "Header" ? { type, header: { name } } : { type, queryParam: { name } };
  return { type: "ConsistentHash", consistentHash: source };
}

function byExpression(statement: Statement): LoadBalancer {
  const expression = wordAt(statement, 2);
  const name = inParentheses(expression);
  if (expression === "src") return { type: "ConsistentHash", consistentHash: { type: "SourceIP" } };
  if (expression === "path") return { type: "ConsistentHash", consistentHash: { type: "URI" } };
  if (/^(?:req\.)?f?hdr\([^,()]+\)$/.test(expression)) return byName(statement, "Header", name);
  if (/^(?:urlp|url_param)\([^,()]+\)$/.test(expression)) return byName(statement, "QueryParam", name);
  if (/^(?:req\.)?cook\([^,()]+\)$/.test(expression)) {
    return { type: "ConsistentHash", consistentHash: { type: "Cookie", cookie: { name } } };
  }
  return unsupported(
    "the key of the hash is not available here",
    "Use src, path, hdr(name), url_param(name) or cook(name).",
  );
}

function inParentheses(text: string): string {
  return /\(([^,()]*)/.exec(text)?.[1] ?? "";
}

/** `cookie` → how long a client stays with its endpoint; `undefined`: it does not. Throws `StatementProblem`. */
export function translateCookie(proxy: Proxy, notes: Notes): SessionPersistence | undefined {
  const statement = settingOf(proxy, "cookie");
  if (!statement) return undefined;
  const words = statement.words.map(({ text }) => text);
  const after = (name: string): number | undefined => {
    const index = words.indexOf(name, 2);
    return index < 0
      ? undefined
      : readDurationMs({ text: `${words[index + 1] ?? ""}`.replace(/^([0-9]+)$/, "$1s"), column: 1 });
  };
  const [idleMs, absoluteMs] = [after("maxidle"), after("maxlife")];
  const isOwn = words.includes("insert", 2);
  if (!isOwn) {
    const message =
      "the cookie is not the application's own, which stays untouched; it is one of the gateway";
    notes.add(statement, { code: "statement-approximated", message, remedy: "Use `cookie <name> insert`." });
  }
  return {
    ...(isOwn && { sessionName: wordAt(statement, 1) }),
    ...(idleMs !== undefined && { idleMs }),
    ...(absoluteMs !== undefined && { absoluteMs }),
    ...(isOwn && { cookieConfig: cookieConfigOf(words) }),
  };
}

/** No script sees the cookie, `httponly` or not. */
function cookieConfigOf(words: readonly string[]): CookieConfig {
  const has = (name: string): boolean => words.includes(name, 2);
  const domain = has("domain") ? words[words.indexOf("domain", 2) + 1]?.replace(/^\./, "") : undefined;
  return {
    ...(has("indirect") && { indirect: true }),
    ...(has("nocache") && { noCache: true }),
    ...(has("secure") && { secure: true }),
    ...(domain !== undefined && { domain }),
  };
}

export interface SessionPersistence {
  readonly sessionName?: string;
  readonly idleMs?: number;
  readonly absoluteMs?: number;
  readonly cookieConfig?: CookieConfig;
}

interface CookieConfig {
  readonly indirect?: true;
  readonly noCache?: true;
  readonly secure?: true;
  readonly domain?: string;
}
