// Credentials as requests carry them, passwords and networks.
import { describe, expect, test } from "vitest";
import { parsePasswordHash, passwordHashProblem } from "#contract/password-hash.ts";
import { apr1 } from "./apr1.ts";
import { parseBasicCredentials } from "./basic-credentials.ts";
import { compileClientNetworks } from "./client-networks.ts";
import { equalBytes } from "./constant-time.ts";
import { credentialPlaces, findCredential, withoutCookie, withoutParam } from "./credential-place.ts";
import { isHeaderText, ownedNames, UpstreamIdentity } from "./upstream-identity.ts";
import { verifyPassword } from "./verify-password.ts";

describe("client networks", () => {
  test.each([
    [[], [], "unknown", true],
    [["10.0.0.0/8"], [], "10.1.2.3", true],
    [["10.0.0.0/8"], [], "11.1.2.3", false],
    [["10.0.0.0/8"], [], "::ffff:10.1.2.3", true],
    [[], ["10.0.0.0/8"], "10.1.2.3", false],
    [[], ["10.0.0.0/8"], "11.1.2.3", true],
    [["10.0.0.0/8"], ["10.1.0.0/16"], "10.1.2.3", false],
    [["10.0.0.0/8"], ["10.1.0.0/16"], "10.2.2.3", true],
    [["2001:db8::/32"], [], "2001:db8:1::1", true],
    [["0.0.0.0/0"], [], "unknown", false],
    [[], ["10.0.0.0/8"], "unknown", false],
  ])("allow %j deny %j: %s %s", (allow, deny, address, expected) => {
    expect(compileClientNetworks({ allow, deny })(address)).toBe(expected);
  });

  test("a malformed network is an error", () => {
    expect(() => compileClientNetworks({ allow: [], deny: ["10.0.0.0/33"] })).toThrow("not a network");
  });
});

describe("basic credentials", () => {
  test.each([
    [`Basic ${btoa("alice:secret")}`, { user: "alice", password: "secret" }],
    [`basic  ${btoa("alice:a:b")}`, { user: "alice", password: "a:b" }],
    [`Basic ${btoa(":")}`, { user: "", password: "" }],
    [`Basic ${btoa("Zo\xc3\xab:\xc2\xa3")}`, { user: "Zoë", password: "£" }],
    [`Basic ${btoa("alice")}`, undefined],
    ["Basic !", undefined],
    ["Basic /w==", undefined],
    ["Bearer abc", undefined],
    ["Basic", undefined],
    [`Basic ${btoa("a:b")}, Basic ${btoa("c:d")}`, undefined],
    [null, undefined],
  ])("%s", (header, expected) => {
    expect(parseBasicCredentials(header)).toEqual(expected);
  });

  test("longer than any browser's", () => {
    expect(parseBasicCredentials(`Basic ${"A".repeat(5_000)}`)).toBeUndefined();
  });
});

describe("passwords", () => {
  // htpasswd -nbs, openssl passwd -apr1, Python's crypt (blowfish) and hashlib.pbkdf2_hmac("sha256", …, 1000).
  const lines = [
    "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "alice:{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0",
    "alice:$apr1$Zx8vQ1aB$IIzwqcYBUNu7MJJEzANzn0",
    "alice:$2y$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a",
    "alice:$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$tiKWHy4FAGCWE8gn6GtKhaxD2OeeAUUWXFT/p1aaNl8",
  ];

  test.each(lines)("%s", async (line) => {
    const hash = parsePasswordHash(line);
    expect(hash.user).toBe("alice");
    expect(await verifyPassword(hash, "secret")).toBe(true);
    expect(await verifyPassword(hash, "Secret")).toBe(false);
    expect(await verifyPassword(hash, "")).toBe(false);
  });

  test.each([
    ["alice", "name:hash"],
    [":{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "name:hash"],
    ["alice:hunter2", "expected a hash"],
    ["alice:$2y$10$abcdefghijklmnopqrstuu", "bcrypt"],
    [`alice:$2y$12$${"a".repeat(53)}`, "cost of 4 to 10"],
    ["alice:$apr1$x$y", "hash of 22"],
    ["alice:$6$salt$hash", "crypt"],
    ["alice:{SSHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", "salt"],
    ["alice:{SHA}abc", "28 characters"],
    [
      "alice:$pbkdf2-sha256$999999$MDEyMzQ1Njc4OWFiY2RlZg$tiKWHy4FAGCWE8gn6GtKhaxD2OeeAUUWXFT/p1aaNl8",
      "rounds",
    ],
    ["alice:$pbkdf2-sha256$1000$MDE$tiKWHy4FAGCWE8gn6GtKhaxD2OeeAUUWXFT/p1aaNl8", "salt"],
    ["alice:$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$Ec8R", "hash of 32"],
  ])("a line that cannot be verified: %s", (line, problem) => {
    expect(passwordHashProblem(line)).toContain(problem);
    // What stands there may be the password itself.
    expect(passwordHashProblem(line)).not.toContain("hunter2");
  });

  // openssl passwd -apr1 -salt: lengths around that of the hash, and more than ASCII.
  test.each([
    ["x", "a", "$apr1$a$CwOs8ZUV1Vmp.iAwImfTn1"],
    ["exactly-sixteen.", "12345678", "$apr1$12345678$7nLYER2imOrYGQsU3XBOo/"],
    ["a password that is longer than two blocks", "salt", "$apr1$salt$vyrOx5ZP7rQt66IcABlEf/"],
    ["größe", "ab", "$apr1$ab$hXJKqOIh.lkE7nnH6A9.H/"],
  ])("$apr1$ of %j with the salt %s", (password, salt, hash) => {
    expect(`$apr1$${salt}$${apr1(new TextEncoder().encode(password), salt)}`).toBe(hash);
  });

  test("bytes compare whole", () => {
    expect(equalBytes(new Uint8Array([1, 2]), new Uint8Array([1, 2]))).toBe(true);
    expect(equalBytes(new Uint8Array([1, 2]), new Uint8Array([1, 3]))).toBe(false);
    expect(equalBytes(new Uint8Array([1, 2]), new Uint8Array([1]))).toBe(false);
  });
});

describe("places", () => {
  const head = (headers: Record<string, string>, query = "") => ({
    method: "GET",
    host: "a.com",
    path: "/",
    query,
    header: (name: string) => headers[name] ?? null,
  });
  const places = credentialPlaces({
    headers: [{ name: "Authorization", valuePrefix: "Bearer " }, "X-Key"],
    params: ["key"],
    cookies: ["session"],
  });

  test.each([
    [{ authorization: "Bearer abc" }, "", "abc"],
    [{ authorization: "bearer abc" }, "", "abc"],
    [{ authorization: "Basic abc" }, "", undefined],
    [{ authorization: "Bearer " }, "key=k", "k"],
    [{ "x-key": "k", authorization: "Bearer abc" }, "", "abc"],
    [{ "x-key": "k" }, "key=other", "k"],
    [{}, "a=b&key=k%20y", "k y"],
    [{ cookie: 'a=b; session="s"' }, "", "s"],
    [{}, "", undefined],
  ])("%j ?%s", (headers, query, expected) => {
    expect(findCredential(places, head(headers as Record<string, string>, query))?.value).toBe(expected);
  });

  test("taken out, the rest stays as it was written", () => {
    expect(withoutParam("a=%2F&key=1&b&k%65y=2&c=", "key")).toBe("a=%2F&b&c=");
    expect(withoutCookie("a=1; session=x; b=2", "session")).toBe("a=1; b=2");
    expect(withoutCookie("session=x", "session")).toBe("");
  });
});

describe("what the endpoint hears", () => {
  test("only the gateway's word, in every spelling, and no credential that was to be taken", () => {
    const headers = new Headers({
      "x-user": "forged",
      x_user: "forged",
      "x-other": "kept",
      cookie: "session=s; a=1",
      "x-key": "k",
    });
    const upstream = new UpstreamIdentity(ownedNames(["X-User", undefined]));
    upstream.take({ type: "header", name: "x-key", valuePrefix: "" });
    upstream.take({ type: "cookie", name: "session" });
    upstream.take({ type: "param", name: "q" });
    upstream.set("x-user", "alice");
    upstream.apply(headers);
    expect(Object.fromEntries(headers)).toEqual({ "x-user": "alice", "x-other": "kept", cookie: "a=1" });
    expect(upstream.takenParams).toEqual(["q"]);
  });

  test("no line ends and no other alphabets in headers", () => {
    expect(isHeaderText("a, b")).toBe(true);
    expect(isHeaderText("a\r\nx: y")).toBe(false);
    expect(isHeaderText("Zoë")).toBe(false);
  });
});
