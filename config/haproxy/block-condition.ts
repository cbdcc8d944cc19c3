// Conditions of `.if` and `.elif` (§2.4): what they say of HAProxy is answered as what reads the file here would.
import { invalid, StatementProblem } from "./statement-problem.ts";

/** The newest HAProxy whose statements are known here; `version_atleast(3.2)` holds. */
const haproxyVersion = "3.2.0";
/** Versions that TLS is compared with; the libraries here are newer in every respect that a file could ask for. */
const opensslVersion = "3.5.0";

/** What a build of HAProxy may have and Isthmus has as well. Others, such as LUA and QUIC, are not there. */
const features: ReadonlySet<string> = new Set(
  `ACCEPT4 BACKTRACE CPU_AFFINITY CRYPT_H DL EPOLL GETADDRINFO LIBCRYPT LINUX_SPLICE LINUX_CAP MATH NS OPENSSL PCRE2
  PCRE2_JIT POLL PRCTL RT SLZ TFO THREAD THREAD_DUMP`.split(/\s+/),
);
const enabled: ReadonlySet<string> = new Set(
  "POLL EPOLL SPLICE GETADDRINFO REUSEPORT FAST-FORWARD".split(" "),
);

/** HAProxy's own bound for nested parentheses is of this order. */
const maxDepth = 64;

/** The words behind `.if` joined by spaces. Throws `StatementProblem`. */
export function blockCondition(text: string, environment: ReadonlyMap<string, string>): boolean {
  if (text.trim() === "") return false;
  const reader = new ConditionReader(text, environment);
  const value = reader.alternatives(0);
  if (!reader.atEnd()) return unreadable(text);
  return value;
}

function unreadable(text: string): never {
  return invalid(`${JSON.stringify(text.slice(0, 80))} is no condition of a block`, {
    remedy: "Write predicates such as feature(OPENSSL) or version_atleast(2.6), joined by && and ||.",
  });
}

class ConditionReader {
  #rest: string;
  readonly #text: string;
  readonly #environment: ReadonlyMap<string, string>;

  constructor(text: string, environment: ReadonlyMap<string, string>) {
    this.#rest = text;
    this.#text = text;
    this.#environment = environment;
  }

  atEnd(): boolean {
    return this.#rest.trim() === "";
  }

  /** `&&` binds closer than `||`. Everything is read, whatever is known by then. */
  alternatives(depth: number): boolean {
    let value = this.#conjunction(depth);
    while (this.#take("||")) value = this.#conjunction(depth) || value;
    return value;
  }

  #conjunction(depth: number): boolean {
    let value = this.#term(depth);
    while (this.#take("&&")) value = this.#term(depth) && value;
    return value;
  }

  #term(depth: number): boolean {
    let negated = false;
    while (this.#take("!")) negated = !negated;
    return this.#positiveTerm(depth) !== negated;
  }

  #positiveTerm(depth: number): boolean {
    if (depth > maxDepth) return unreadable(this.#text);
    if (this.#take("(")) {
      const value = this.alternatives(depth + 1);
      return this.#take(")") ? value : unreadable(this.#text);
    }
    const number = /^-?(?:0x[0-9a-f]+|[0-9]+)/i.exec(this.#rest)?.[0];
    if (number !== undefined) {
      this.#rest = this.#rest.slice(number.length);
      return Number(number) !== 0;
    }
    const found = /^([a-z_]+)(?:\(([^()]*)\))?/.exec(this.#rest);
    if (!found) return unreadable(this.#text);
    this.#rest = this.#rest.slice(found[0].length);
    return predicate(found[1]!, (found[2] ?? "").split(","), this.#environment);
  }

  #take(token: string): boolean {
    const rest = this.#rest.trimStart();
    if (!rest.startsWith(token)) {
      this.#rest = rest;
      return false;
    }
    this.#rest = rest.slice(token.length).trimStart();
    return true;
  }
}

function predicate(
  name: string,
  [first = "", second = ""]: readonly string[],
  environment: ReadonlyMap<string, string>,
): boolean {
  switch (name) {
    case "feature":
      return features.has(first);
    case "enabled":
      return enabled.has(first);
    case "version_atleast":
      return compareVersions(haproxyVersion, first) >= 0;
    case "version_before":
      return compareVersions(haproxyVersion, first) < 0;
    case "openssl_version_atleast":
      return compareVersions(opensslVersion, first) >= 0;
    case "openssl_version_before":
      return compareVersions(opensslVersion, first) < 0;
    case "ssllib_name_startswith":
      return "OpenSSL".startsWith(first);
    case "awslc_api_atleast":
    case "awslc_api_before":
    case "fips_mode":
      return false;
    case "streq":
      return first === second;
    case "strneq":
      return first !== second;
    case "strstr":
      return first.includes(second);
    case "defined":
      return isDefined(first, environment);
    default:
      return invalid(`${JSON.stringify(name)} is no predicate of a block`, {
        mistyped: {
          name,
          known: "feature enabled version_atleast version_before defined streq strneq".split(" "),
        },
      });
  }
}

function isDefined(name: string, environment: ReadonlyMap<string, string>): boolean {
  if (environment.has(name)) return true;
  // Of a process that a master keeps.
  if (name === "HAPROXY_MWORKER") return false;
  throw new StatementProblem({
    code: "environment-variable",
    message: `the block depends on whether the environment variable ${JSON.stringify(name)} is set, and it is not`,
    remedy: "Keep the branch that applies, or set it where the file is read.",
  });
}

/** `3.1-dev8` is before `3.1.0`; parts that are not there count as zero. */
function compareVersions(own: string, other: string): number {
  const [left, right] = [versionParts(own), versionParts(other)];
  for (let index = 0; index < 4; index += 1) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function versionParts(text: string): number[] {
  const found =
    /^([0-9]{1,6})(?:\.([0-9]{1,6}))?(?:\.([0-9]{1,6}))?(-dev[0-9]*)?/.exec(text) ??
    invalid(`${JSON.stringify(text)} is no version`);
  return [found[1], found[2], found[3]]
    .map((part) => Number(part ?? 0))
    .concat(found[4] === undefined ? 0 : -1);
}
