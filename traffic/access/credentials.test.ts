// Credentials as requests carry them, passwords and networks.
import { describe, expect, test } from "vitest";
import { parsePasswordHash, passwordHashProblem } from "#contract/password-hash.ts";
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
  const longPassword = "a password that is longer than two blocks, and longer than sixty-four bytes too";
  // htpasswd -nbs, openssl passwd -apr1, -1, -5 and -6, Python's crypt (rounds, blowfish) and hashlib.pbkdf2_hmac("sha256", …, 1000).
  const lines = [
    "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "alice:{SSHA}gVK8WC9YyFT1gMsQHTGCgT3sSv5zYWx0",
    "alice:$apr1$Zx8vQ1aB$IIzwqcYBUNu7MJJEzANzn0",
    "alice:$1$saltsalt$9xy1btjgzLYfb7hivXtC//",
    "alice:$5$saltsalt$0IyaXrmV7.sGNS6tirgqHLqX/G.FBvgkYA.lpPdS5sA",
    "alice:$6$saltsalt$TVLlQcbpFVof5W3Yz4DTP6gRstiNuHwwTt6GLc1E5n0U0aDehy0S5knV8wiOQSpT0Y77vwPZN.Pq.H91p5hVO1",
    "alice:$5$rounds=1000$abcdefghijklmnop$FzYoqjtuN.mjYqssIob4upmoKbZEpkdQMtytZuqNN/6",
    "alice:$6$rounds=10000$x$3iRqfrKtz/nnGDs5eOvgsdlsaTP2mOT2sgujpFFlDl2zTThg6XcGu6cF7v8zKjqFOe0HaWtBIX9R2GltyflUC0",
    "alice:$6$$2M9DchxW4txWyTYoZrH9D3VvAAQxBpEezYsLY6Cao.jwzEXpyL9xwip9hiUZX7GqTqe/E/z6iKvZqXUuqniQH.",
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
    ["alice:$6$salt$hash", "43 or 86"],
    [`alice:$5$salt$${"a".repeat(86)}`, "43 or 86"],
    [`alice:$5$rounds=535000$salt$${"a".repeat(43)}`, "1000 to 10000 rounds"],
    [`alice:$y$j9T$salt$${"a".repeat(43)}`, "yescrypt"],
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

  // openssl passwd -apr1, -1, -5 and -6 with -salt: lengths around those of the hashes, and more than ASCII.
  test.each([
    ["x", "$apr1$a$CwOs8ZUV1Vmp.iAwImfTn1"],
    ["exactly-sixteen.", "$apr1$12345678$7nLYER2imOrYGQsU3XBOo/"],
    ["a password that is longer than two blocks", "$apr1$salt$vyrOx5ZP7rQt66IcABlEf/"],
    ["größe", "$apr1$ab$hXJKqOIh.lkE7nnH6A9.H/"],
    ["größe", "$1$ab$Cd4PT9Y.euaUmCecKJXUl0"],
    ["größe", "$5$ab$RFCSRrmCb/iTGa2SO7uz3JkuYdGvMPh.sPCwDo4nHuC"],
    [longPassword, "$5$./09azAZ$THptUvz/syfM08DnGFt4tbvN4bmqYt1y3LKJnWzJnu0"],
    ["größe", "$6$ab$eB66pEIVMF7tzYbPbVDkg5Ca6y0msA1hi0oEFQBviUId6fmYqbpF6FkieYKzqHKnAB2XnuB1TW/Q5uC.RrFBc0"],
    [
      longPassword,
      "$6$./09azAZ$MM46pOR/3D60pmJ4luqQo8LD3OK/rY3P7DXx2aHtyv2AiGlWu5Oy7lCUiee/jj8.GnTEdTvWQrxUOOrLpW.3T/",
    ],
    ["", "$6$x$QSmr1Bx2g4O6BzKvdkgOcyU6H91X6I/XBv5pSalMhSPkwdH6Beo3F455xZJg0v//bxVK5F4OE5k1.0xuR26MK0"],
  ])("the hash of %j", async (password, line) => {
    expect(await verifyPassword(parsePasswordHash(`alice:${line}`), password)).toBe(true);
  });

  test("a password that would take long in every round is none", async () => {
    for (const line of ["$apr1$a$CwOs8ZUV1Vmp.iAwImfTn1", lines[5]!.slice("alice:".length)]) {
      expect(await verifyPassword(parsePasswordHash(`alice:${line}`), "x".repeat(257))).toBe(false);
    }
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
