// Lines of an htpasswd file, in the two formats that WebCrypto can verify at a price a gateway can pay.
//
//   name:{SHA}<base64>                          htpasswd -s; what Envoy Gateway takes. Unsalted: for long random passwords.
//   name:$pbkdf2-sha256$<rounds>$<salt>$<hash>  passlib's pbkdf2_sha256; `.` for `+`, no padding.
//
// bcrypt and the crypt formats (`$2y$`, `$apr1$`, `$5$`, `$6$`) are not in WebCrypto; in JavaScript one verification
// would hold up every other request of the isolate.

export type PasswordHash =
  | { readonly type: "sha1"; readonly user: string; readonly hash: Uint8Array<ArrayBuffer> }
  | {
      readonly type: "pbkdf2-sha256";
      readonly user: string;
      readonly rounds: number;
      readonly salt: Uint8Array<ArrayBuffer>;
      readonly hash: Uint8Array<ArrayBuffer>;
    };

/** Workers refuse more; OWASP asks for 600,000 where the platform lets one. */
export const maxPbkdf2Rounds = 100_000;
const minPbkdf2Rounds = 1_000;

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
      ? { type: "sha1", user, hash }
      : "expected 28 characters of base64 after {SHA}";
  }
  if (stored.startsWith("$pbkdf2-sha256$")) return parsePbkdf2(user, stored);
  return "expected a hash in the format {SHA} (htpasswd -s) or $pbkdf2-sha256$ (passlib); bcrypt and crypt cannot be verified here";
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
