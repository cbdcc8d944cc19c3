// `cookie` of a backend → session persistence by cookies that name its servers, and what each server is called in them.
import { endpointCookieValueSchema } from "#contract/backend-policy.ts";
import { checksum } from "#contract/text/checksum.ts";
import { formatDuration } from "../../duration-text.ts";
import { networkBits, parseAddress } from "../../native/address.ts";
import { readDurationMs } from "../duration.ts";
import { keywordsOf } from "../keyword-arguments.ts";
import type { Notes } from "../notes.ts";
import { settingOf, type Proxy } from "../proxy.ts";
import { attempt, invalid, unsupported } from "../statement-problem.ts";
import { wordAt, wordsFrom, type Statement } from "../statement.ts";
import type { RuleInput } from "./rule-policies.ts";
import type { Server } from "./server-line.ts";

type Session = NonNullable<RuleInput["sessionPersistence"]>;
type CookieConfig = NonNullable<Session["cookieConfig"]>;
type EndpointCookie = NonNullable<CookieConfig["endpointCookie"]>;

const modes = { insert: "Insert", rewrite: "Rewrite", prefix: "Prefix" } as const;
type Mode = keyof typeof modes;

/** Throws `StatementProblem`. */
export function translateCookie(statement: Statement): Session {
  const sessionName = wordAt(statement, 1);
  if (sessionName === "") return invalid("expected `cookie <name> insert|rewrite|prefix`");
  const times: Pick<Session, "idleTimeout" | "absoluteTimeout"> = {};
  const config: CookieConfig = {};
  const cookie: Omit<EndpointCookie, "mode"> = {};
  const domains: string[] = [];
  const others: string[] = [];
  const found = new Set<string>();
  for (const { name, word, argument } of keywordsOf(statement, 2)) {
    found.add(name);
    if (name === "indirect") config.indirect = true;
    else if (name === "nocache") config.noCache = true;
    else if (name === "secure") config.secure = true;
    else if (name === "httponly") cookie.httpOnly = true;
    else if (name === "postonly") cookie.postOnly = true;
    else if (name === "preserve") cookie.preserve = true;
    else if (name === "attr") others.push(argument());
    else if (name === "maxidle") times.idleTimeout = lifetime(argument());
    else if (name === "maxlife") times.absoluteTimeout = lifetime(argument());
    else if (name === "domain") domains.push(`domain=${argument()}`);
    else if (!Object.hasOwn(modes, name) && name !== "dynamic")
      invalid(`${JSON.stringify(name)} is no option of a cookie`, { word });
  }
  const attributes = [...domains, ...others];
  refuseContradictions(found);
  const mode = (Object.keys(modes) as Mode[]).find((name) => found.has(name));
  return {
    sessionName,
    ...times,
    cookieConfig: {
      ...config,
      endpointCookie: {
        mode: mode ? modes[mode] : "Passive",
        ...cookie,
        ...(attributes.length > 0 && { attributes }),
      },
    },
  };
}

/** Seconds without a unit. */
function lifetime(text: string): string {
  return formatDuration(readDurationMs({ text: text.replace(/^([0-9]+)$/, "$1s"), column: 1 }));
}

/** HAProxy refuses them, too. */
function refuseContradictions(found: ReadonlySet<string>): void {
  if (Object.keys(modes).filter((mode) => found.has(mode)).length > 1)
    invalid("insert, rewrite and prefix exclude each other");
  if (found.has("rewrite") && found.has("indirect")) invalid("rewrite and indirect exclude each other");
  if (found.has("preserve") && !found.has("insert") && !found.has("indirect"))
    invalid("preserve needs insert or indirect");
}

/** What cookies call a server; `undefined`: nothing. */
export function cookieValues(proxy: Proxy, notes: Notes): (server: Server) => string | undefined {
  const statement = settingOf(proxy, "cookie");
  if (!statement) return () => undefined;
  const isDynamic = wordsFrom(statement, 2).includes("dynamic");
  const key = settingOf(proxy, "dynamic-cookie-key");
  if (isDynamic && !key) {
    attempt(statement, notes, () => invalid("dynamic needs a `dynamic-cookie-key`"));
    return () => undefined;
  }
  return (server) =>
    attempt(server.statement, notes, () => {
      const { cookie } = server.options;
      if (cookie === undefined) return isDynamic ? dynamicValue(server, wordAt(key!, 1)) : undefined;
      if (endpointCookieValueSchema.safeParse(cookie).success) return cookie;
      return unsupported(
        `a cookie cannot have the value ${JSON.stringify(cookie)} here`,
        "Use letters, digits and dashes.",
      );
    });
}

/** HAProxy's `srv_set_dyncookie`: of the key, the address and the port as a number of four bytes, the highest first. */
function dynamicValue({ address, port }: Server, key: string): string {
  if (parseAddress(address)?.kind !== "ip") {
    return unsupported(
      "a dynamic cookie is made of the server's address, which is a name here",
      "Give the server a `cookie`.",
    );
  }
  const bits = networkBits(address)!.slice(address.includes(":") ? 0 : 96);
  const place = (bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2));
  const portBytes = [0, 0, port >> 8, port & 0xff];
  const text = Uint8Array.from([...new TextEncoder().encode(key), ...place, ...portBytes]);
  return checksum("XXH64", text, 0).toString(16).padStart(16, "0");
}
