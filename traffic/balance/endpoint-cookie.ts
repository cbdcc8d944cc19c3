// Session persistence as HAProxy's `cookie`: the value is the endpoint's own name for itself (`cookie` of a server), in a cookie
// of the gateway's, in place of the value of the application's, or in front of it. Times in it count 4 s, as HAProxy's do.
import type { EndpointCookie, SessionPersistence } from "#contract/backend-policy.ts";

export interface CookiePolicy {
  readonly name: string;
  readonly mode: EndpointCookie["mode"];
  readonly indirect: boolean;
  readonly preserve: boolean;
  /** Seconds; absent: no bound. */
  readonly maxIdleS: number | undefined;
  readonly maxLifeS: number | undefined;
}

export function cookiePolicyOf(policy: SessionPersistence, { mode, preserve }: EndpointCookie): CookiePolicy {
  const seconds = (ms: number | undefined): number | undefined => ms && Math.ceil(ms / 1_000);
  return {
    name: policy.sessionName,
    mode,
    indirect: policy.cookieConfig.indirect === true,
    preserve: preserve === true,
    maxIdleS: seconds(policy.idleTimeoutMs),
    maxLifeS: seconds(policy.absoluteTimeoutMs),
  };
}

/** What a client's cookie says. */
export interface CookieClaim {
  /** `cookie` of an endpoint; empty: it says none, or is too old. */
  readonly value: string;
  /** Seconds since 1970, where the cookie says. */
  readonly lastS: number | undefined;
  readonly firstS: number | undefined;
}

const endOfValue = "~";
const startOfDate = "|";
/** Of a clock that is wrong by less nobody loses the session. */
const tolerableFutureS = 86_400;

/** Each cookie of that name, in their order; browsers send the most specific first. */
export function readClaims(header: string | null, policy: CookiePolicy, nowS: number): CookieClaim[] {
  return pairsOf(header ?? "").flatMap(({ name, value }) =>
    name === policy.name ? [claimOf(value, policy, nowS)] : [],
  );
}

function claimOf(text: string, { mode, maxIdleS, maxLifeS }: CookiePolicy, nowS: number): CookieClaim {
  if (mode === "Prefix") {
    return { value: text.split(endOfValue, 1)[0]!, lastS: undefined, firstS: undefined };
  }
  const [value = "", last = "", first = ""] = text.split(startOfDate);
  const claim = { value, lastS: secondsOf(last), firstS: secondsOf(first) };
  const isOver = (atS: number | undefined, limitS: number | undefined): boolean =>
    atS !== undefined && limitS !== undefined && (nowS - atS > limitS || atS - nowS > tolerableFutureS);
  const expired = isOver(claim.firstS, maxLifeS) || isOver(claim.lastS, maxIdleS);
  return expired ? { value: "", lastS: undefined, firstS: undefined } : claim;
}

/** The `Cookie` header as the endpoint sees it; `null`: there is none left. */
export function forwardedCookies(header: string, { name, mode, indirect }: CookiePolicy): string | null {
  const hides = mode === "Insert" && indirect;
  if (!hides && mode !== "Prefix") return header;
  let changed = false;
  const kept = header.split(";").flatMap((text) => {
    const pair = pairOf(text);
    if (pair?.name !== name) return [text];
    const end = pair.value.indexOf(endOfValue);
    if (!hides && end < 0) return [text];
    changed = true;
    return hides ? [] : [` ${name}=${pair.value.slice(end + 1)}`];
  });
  if (!changed) return header;
  return kept.length === 0 ? null : kept.join(";").trim();
}

/** What becomes of a `Set-Cookie` of the endpoint's. */
export type OwnCookie =
  { readonly kind: "other" | "kept" | "removed" } | { readonly kind: "changed"; readonly field: string };

/** `value`: of the endpoint that has answered; absent: it has none. `isDirect`: it is the one that the client was bound to. */
export function ownCookie(
  field: string,
  policy: CookiePolicy,
  value: string | undefined,
  isDirect: boolean,
): OwnCookie {
  const { name, mode, preserve, indirect } = policy;
  const [start, ...attributes] = field.split(";");
  const pair = pairOf(start!);
  if (pair?.name !== name) return { kind: "other" };
  if (preserve) return { kind: "kept" };
  if (mode === "Insert" || (isDirect && indirect)) return { kind: "removed" };
  if (value === undefined || mode === "Passive") return { kind: "kept" };
  const changed = mode === "Rewrite" ? value : `${value}${endOfValue}${pair.value}`;
  const end = /[ \t]*$/.exec(start!)![0];
  return { kind: "changed", field: [`${name}=${changed}${end}`, ...attributes].join(";") };
}

/**
 * Whether the client is told its endpoint, where the gateway has a cookie of its own: one that it has not asked for, or
 * whose dates are due.
 */
export function isDue(
  { mode, maxIdleS, maxLifeS }: CookiePolicy,
  claim: CookieClaim | undefined,
  isDirect: boolean,
  nowS: number,
): boolean {
  if (mode !== "Insert") return false;
  if (!isDirect) return true;
  const { lastS, firstS } = claim ?? {};
  const dates = maxIdleS !== undefined || lastS !== undefined;
  if (dates && (lastS === undefined || lastS < nowS)) return true;
  return (maxLifeS !== undefined) !== (firstS !== undefined);
}

/** Attributes of the cookie behind its path, in HAProxy's order. */
export function cookieAttributes({ cookieConfig }: SessionPersistence, cookie: EndpointCookie): string {
  const { domain, secure } = cookieConfig;
  const isDomain = (attribute: string): boolean => attribute.startsWith("domain=");
  const { attributes = [] } = cookie;
  return [
    ...(domain === undefined ? [] : [`domain=${domain}`]),
    ...attributes.filter(isDomain),
    ...(cookie.httpOnly ? ["HttpOnly"] : []),
    ...(secure ? ["Secure"] : []),
    ...attributes.filter((attribute) => !isDomain(attribute)),
  ]
    .map((attribute) => `; ${attribute}`)
    .join("");
}

/** The gateway's own `Set-Cookie`. An endpoint without a value takes the client's away. */
export function insertedCookie(
  { name, maxIdleS, maxLifeS }: CookiePolicy,
  value: string | undefined,
  claim: CookieClaim | undefined,
  attributes: string,
  nowS: number,
): string {
  if (value === undefined) return `${name}=; Expires=Thu, 01-Jan-1970 00:00:01 GMT; path=/${attributes}`;
  const hasDates = maxIdleS !== undefined || maxLifeS !== undefined;
  const last = hasDates ? startOfDate + dateOf(nowS + 3) : "";
  const first = maxLifeS === undefined ? "" : startOfDate + dateOf(claim?.firstS ?? nowS + 3);
  return `${name}=${value}${last}${first}; path=/${attributes}`;
}

const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Five digits of the time in 4 s. */
function dateOf(seconds: number): string {
  let units = Math.floor(seconds / 4);
  let text = "";
  for (let place = 0; place < 5; place += 1) {
    text = digits[units % 64] + text;
    units = Math.floor(units / 64);
  }
  return text;
}

function secondsOf(text: string): number | undefined {
  if (text.length < 5) return undefined;
  let units = 0;
  for (const digit of text.slice(0, 5)) {
    const value = digits.indexOf(digit);
    if (value < 0) return undefined;
    units = units * 64 + value;
  }
  return units === 0 ? undefined : units * 4;
}

interface Pair {
  readonly name: string;
  readonly value: string;
}

function pairsOf(header: string): Pair[] {
  return header.split(";").flatMap((text) => pairOf(text) ?? []);
}

function pairOf(text: string): Pair | undefined {
  const equals = text.indexOf("=");
  if (equals < 0) return undefined;
  return { name: text.slice(0, equals).trim(), value: text.slice(equals + 1).trim() };
}
