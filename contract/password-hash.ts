// Lines of an htpasswd file, in the formats that can be verified at a price a gateway can pay (decision 0022).
//
//   name:{SHA}<base64>                          htpasswd -s; what Envoy Gateway takes. Unsalted: for long random passwords.
//   name:{SSHA}<base64>                         the same, with a salt behind the hash.
//   name:$apr1$<salt>$<hash>                    htpasswd without an option, openssl passwd -apr1: 1,000 rounds of MD5.
//   name:$1$<salt>$<hash>                       the same by its older name (openssl passwd -1).
//   name:$5$[rounds=<n>$]<salt>$<hash>          mkpasswd -m sha-256, htpasswd -2: SHA-256 crypt, of 5,000 rounds if none are named.
//   name:$6$[rounds=<n>$]<salt>$<hash>          mkpasswd -m sha-512, htpasswd -5: SHA-512 crypt.
//   name:$2y$<cost>$<salt and hash>             htpasswd -B, also $2a$ and $2b$: bcrypt, of a cost of at most 10.
//   name:$pbkdf2-sha256$<rounds>$<salt>$<hash>  passlib's pbkdf2_sha256; `.` for `+`, no padding.

export type PasswordHash = { readonly user: string } & (
  | { readonly type: "sha1"; readonly salt: Uint8Array<ArrayBuffer>; readonly hash: Uint8Array<ArrayBuffer> }
  | {
      readonly type: "md5-crypt";
      readonly prefix: "$apr1$" | "$1$";
      readonly salt: string;
      readonly hash: string;
    }
  | {
      readonly type: "sha-crypt";
      readonly bits: 256 | 512;
      readonly rounds: number;
      readonly salt: string;
      readonly hash: string;
    }
  | { readonly type: "bcrypt"; readonly cost: number; readonly hash: string }
  | {
      readonly type: "pbkdf2-sha256";
      readonly rounds: number;
      readonly salt: Uint8Array<ArrayBuffer>;
      readonly hash: Uint8Array<ArrayBuffer>;
    }
);

/** Workers refuse more; OWASP asks for 600,000 where the platform lets one. */
const maxPbkdf2Rounds = 100_000;
const minPbkdf2Rounds = 1_000;
/** 70 ms in which the isolate does nothing else; each one more doubles it. */
const maxBcryptCost = 10;
/** 60 ms of the same. */
const maxShaCryptRounds = 10_000;
/** Of crypt(3): those who name fewer have as many all the same. */
const minShaCryptRounds = 1_000;

/** What is wrong with a line, and what to do; `undefined`: nothing. */
export function passwordHashProblem(line: string): string | undefined {
  const result = parse(line);
  return typeof result === "string" ? result : undefined;
}

/** Throws an error that says what is wrong with the line, without repeating it. */
export function parsePasswordHash(line: string): PasswordHash {
  const result = parse(line);
  if (typeof result === "string") throw new Error(result);
  return result;
}

function parse(line: string): PasswordHash | string {
  const colon = line.indexOf(":");
  const user = line.slice(0, colon);
  // RFC 7617 §2: a user-id has no colon and no control characters.
  // oxlint-disable-next-line no-control-regex
  if (colon < 1 || user.length > 256 || /[\u0000-\u001f\u007f]/.test(user)) {
    return "expected a line of an htpasswd file: name:hash";
  }
  const stored = line.slice(colon + 1);
  if (stored.startsWith("{SHA}")) {
    const hash = decodeBase64(stored.slice(5));
    return hash?.length === 20
      ? { type: "sha1", user, salt: new Uint8Array(), hash }
      : "expected 28 characters of base64 after {SHA}";
  }
  if (stored.startsWith("{SSHA}")) {
    const bytes = decodeBase64(stored.slice(6));
    return bytes && bytes.length > 20 && bytes.length <= 84
      ? { type: "sha1", user, salt: bytes.slice(20), hash: bytes.slice(0, 20) }
      : "expected base64 of a hash and a salt of 1 to 64 bytes after {SSHA}";
  }
  if (/^\$(?:apr)?1\$/.test(stored)) return parseMd5Crypt(user, stored);
  if (/^\$[56]\$/.test(stored)) return parseShaCrypt(user, stored);
  if (/^\$2[aby]\$/.test(stored)) return parseBcrypt(user, stored);
  if (stored.startsWith("$pbkdf2-sha256$")) return parsePbkdf2(user, stored);
  return "expected a hash that htpasswd or mkpasswd writes ($apr1$, $2y$, $5$, $6$, {SHA}), {SSHA} or $pbkdf2-sha256$ (passlib); yescrypt ($y$) and DES cannot be verified here";
}

function parseMd5Crypt(user: string, stored: string): PasswordHash | string {
  const [, variant, salt, hash] =
    /^\$(1|apr1)\$([./0-9A-Za-z]{1,8})\$([./0-9A-Za-z]{22})$/.exec(stored) ?? [];
  if (salt === undefined || hash === undefined) {
    return "expected $apr1$salt$hash with a salt of 1 to 8 characters and a hash of 22";
  }
  return { type: "md5-crypt", user, prefix: variant === "1" ? "$1$" : "$apr1$", salt, hash };
}

function parseShaCrypt(user: string, stored: string): PasswordHash | string {
  const [, variant, digits, salt, hash = ""] =
    /^\$([56])\$(?:rounds=(\d{1,9})\$)?([^$:]{0,16})\$([./0-9A-Za-z]+)$/.exec(stored) ?? [];
  const bits = variant === "5" ? 256 : 512;
  if (salt === undefined || hash.length !== (bits === 256 ? 43 : 86)) {
    return "expected $5$salt$hash or $6$salt$hash with a salt of at most 16 characters and a hash of 43 or 86";
  }
  const rounds = digits === undefined ? 5_000 : Number(digits);
  if (rounds < minShaCryptRounds || rounds > maxShaCryptRounds) {
    return `expected ${minShaCryptRounds} to ${maxShaCryptRounds} rounds, since more would hold up all other requests; found ${rounds}`;
  }
  return { type: "sha-crypt", user, bits, rounds, salt, hash };
}

function parseBcrypt(user: string, stored: string): PasswordHash | string {
  const digits = /^\$2[aby]\$(\d\d)\$[./0-9A-Za-z]{53}$/.exec(stored)?.[1];
  if (digits === undefined) return "expected $2y$cost$ and 53 characters of a bcrypt hash";
  const cost = Number(digits);
  if (cost < 4 || cost > maxBcryptCost) {
    return `expected bcrypt of a cost of 4 to ${maxBcryptCost}, since more would hold up all other requests; found ${cost}`;
  }
  return { type: "bcrypt", user, cost, hash: stored };
}

function parsePbkdf2(user: string, stored: string): PasswordHash | string {
  const [, , digits = "", saltText = "", hashText = "", ...rest] = stored.split("$");
  const salt = decodeBase64(saltText.replaceAll(".", "+"));
  const hash = decodeBase64(hashText.replaceAll(".", "+"));
  const wellFormed = rest.length === 0 && /^[1-9]\d{0,6}$/.test(digits) && hash?.length === 32;
  if (!wellFormed || !salt || salt.length < 8 || salt.length > 64) {
    return "expected $pbkdf2-sha256$rounds$salt$hash with a salt of 8 to 64 bytes and a hash of 32";
  }
  const rounds = Number(digits);
  if (rounds < minPbkdf2Rounds || rounds > maxPbkdf2Rounds) {
    return `expected ${minPbkdf2Rounds} to ${maxPbkdf2Rounds} rounds (Workers refuse more); found ${rounds}`;
  }
  return { type: "pbkdf2-sha256", user, rounds, salt, hash };
}

/** With or without padding. */
function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined;
  try {
    return Uint8Array.from(atob(text.replace(/=+$/, "")), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
