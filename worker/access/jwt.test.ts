// Tokens: what is accepted, what is refused and why, and how keys are fetched and rotated.
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from "jose";
import { beforeAll, describe, expect, test } from "vitest";
import { gateOf, type Gate, type Outcome } from "./access.fixture.ts";

const issuer = "https://issuer.example.com";
let rsa: KeyPair;
let ec: KeyPair;
let other: KeyPair;

interface KeyPair {
  readonly privateKey: CryptoKey;
  readonly jwk: JWK;
}

async function keyPair(alg: string, kid: string): Promise<KeyPair> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid } };
}

beforeAll(async () => {
  [rsa, ec, other] = await Promise.all([
    keyPair("RS256", "rsa"),
    keyPair("ES256", "ec"),
    keyPair("ES256", "ec"),
  ]);
});

interface Wanted {
  readonly claims?: Record<string, unknown>;
  readonly header?: Record<string, unknown>;
  readonly key?: KeyPair;
  readonly alg?: string;
}

const nowS = (): number => Math.floor(Date.now() / 1_000);

function sign({ claims = {}, header = {}, key = ec, alg = "ES256" }: Wanted = {}): Promise<string> {
  return new SignJWT({ iss: issuer, sub: "alice", exp: nowS() + 300, ...claims })
    .setProtectedHeader({ alg, kid: key.jwk.kid!, ...header })
    .sign(key.privateKey);
}

const base64url = (value: unknown): string =>
  btoa(typeof value === "string" ? value : JSON.stringify(value))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");

const provider = () => ({
  name: "main",
  issuer,
  clockSkewMs: 0,
  localJWKS: { keys: [rsa.jwk, ec.jwk] as never[] },
});

const bearer = (token: string, path = "/"): Request =>
  new Request(`https://a.com${path}`, { headers: { authorization: `Bearer ${token}` } });

const reason = (outcome: Outcome): string =>
  "code" in outcome ? `${outcome.code}: ${outcome.message}` : "passed" in outcome ? "passed" : "answered";

describe("local keys", () => {
  let gate: Gate;
  beforeAll(() => {
    gate = gateOf({ jwt: { providers: [{ ...provider(), audiences: ["api"] }] } });
  });
  const ask = async (wanted: Wanted): Promise<string> =>
    reason(await gate.ask(bearer(await sign({ ...wanted, claims: { aud: "api", ...wanted.claims } }))));

  test("a good token passes, with its claims, by either key", async () => {
    const outcome = await gate.ask(bearer(await sign({ claims: { aud: ["x", "api"], role: "ops" } })));
    expect(outcome).toMatchObject({
      passed: { identity: { token: { provider: "main", claims: { sub: "alice", role: "ops" } } } },
    });
    expect(await ask({ key: rsa, alg: "RS256" })).toBe("passed");
  });

  test.each<[string, Record<string, unknown>, string]>([
    ["expired", { exp: nowS() - 1 }, "expired"],
    ["without expiration", { exp: undefined }, "no valid expiration"],
    ["not valid yet", { nbf: nowS() + 60 }, "not valid yet"],
    ["of another issuer", { iss: "https://other" }, "another issuer"],
    ["of no issuer", { iss: undefined }, "another issuer"],
    ["for another audience", { aud: "web" }, "another audience"],
    ["for no audience", { aud: undefined }, "another audience"],
  ])("a token %s is refused", async (_name, claims, expected) => {
    expect(await ask({ claims })).toBe(`unauthorized: token refused: ${expected}`);
  });

  test("signed by another key of the same name", async () => {
    expect(await ask({ key: other })).toBe("unauthorized: token refused: wrong signature");
  });

  test("by a key that nobody knows", async () => {
    expect(await ask({ header: { kid: "unknown" } })).toBe("unauthorized: token refused: unknown key");
  });

  test("with a header that is critical and not understood", async () => {
    const token = await sign({ claims: { aud: "api" } });
    const [, payload, signature] = token.split(".");
    const header = base64url({ alg: "ES256", kid: "ec", crit: ["x"], x: 1 });
    expect(reason(await gate.ask(bearer(`${header}.${payload}.${signature}`)))).toContain("unauthorized");
  });

  test("changed after it was signed", async () => {
    const [header, , signature] = (await sign({ claims: { aud: "api" } })).split(".");
    const payload = base64url({ iss: issuer, sub: "mallory", aud: "api", exp: nowS() + 300 });
    expect(reason(await gate.ask(bearer(`${header}.${payload}.${signature}`)))).toContain("wrong signature");
  });

  test.each(["none", "None", "NONE", "nOnE"])("alg %s", async (alg) => {
    const payload = base64url({ iss: issuer, sub: "mallory", aud: "api", exp: nowS() + 300 });
    for (const kid of [undefined, "ec"]) {
      const token = `${base64url({ alg, kid })}.${payload}.`;
      expect(reason(await gate.ask(bearer(token)))).toMatch(/^unauthorized: token refused/);
    }
  });

  test.each(["HS256", "HS384", "HS512"])("%s with the public key as the secret", async (alg) => {
    const secrets = [
      JSON.stringify(rsa.jwk),
      rsa.jwk.n!,
      `-----BEGIN PUBLIC KEY-----\n${rsa.jwk.n!}\n-----END PUBLIC KEY-----\n`,
    ];
    for (const secret of secrets) {
      const token = await new SignJWT({ iss: issuer, sub: "mallory", aud: "api", exp: nowS() + 300 })
        .setProtectedHeader({ alg, kid: "rsa" })
        .sign(new TextEncoder().encode(secret.padEnd(64, "=")));
      expect(reason(await gate.ask(bearer(token)))).toBe(
        "unauthorized: token refused: algorithm not allowed",
      );
    }
  });

  test("a key in the token itself counts for nothing", async () => {
    for (const header of [
      { jwk: other.jwk },
      { jku: "https://evil.example.com/jwks" },
      { x5u: "https://evil" },
    ]) {
      expect(await ask({ key: other, header })).toContain("wrong signature");
      expect(await ask({ key: other, header: { ...header, kid: "mine" } })).toContain("unknown key");
    }
  });

  test("an algorithm of another key type", async () => {
    expect(await ask({ key: ec, alg: "ES256", header: { kid: "rsa" } })).toContain("unknown key");
  });

  test("the list of algorithms is kept to", async () => {
    const strict = gateOf({ jwt: { providers: [{ ...provider(), algorithms: ["RS256"] }] } });
    expect(reason(await strict.ask(bearer(await sign())))).toContain("algorithm not allowed");
    expect(reason(await strict.ask(bearer(await sign({ key: rsa, alg: "RS256" }))))).toBe("passed");
  });

  test.each(["", "x", "a.b", "a.b.c", "a.b.c.d.e", "ey.ey.ey", "..", "é.é.é", "x".repeat(20_000)])(
    "what is no token (%.20s) is refused",
    async (token) => {
      // Characters beyond Latin-1 do not fit into a header at all.
      const outcome = await gate.ask(bearer(token));
      expect(reason(outcome)).toMatch(/^unauthorized: (token refused: (malformed|too long)|no token)/);
    },
  );

  test("two Authorization headers are one malformed token", async () => {
    const headers = new Headers();
    for (const token of [await sign({ claims: { aud: "api" } }), "x"]) {
      headers.append("authorization", `Bearer ${token}`);
    }
    expect(reason(await gate.ask(new Request("https://a.com/", { headers })))).toContain("malformed");
  });

  test("challenges follow RFC 6750, and nothing of the token is repeated", async () => {
    expect(await gate.ask(new Request("https://a.com/"))).toMatchObject({
      challenge: 'Bearer realm="isthmus"',
    });
    const token = await sign({ claims: { aud: "api", exp: 1 } });
    const outcome = await gate.ask(bearer(token));
    expect(outcome).toMatchObject({
      challenge: 'Bearer realm="isthmus", error="invalid_token", error_description="expired"',
    });
    for (const part of token.split(".")) expect(JSON.stringify(outcome)).not.toContain(part);
  });
});

describe("policy", () => {
  test("optional: without a token passes as nobody, with a bad one does not", async () => {
    const gate = gateOf({ jwt: { optional: true, providers: [provider()] } });
    expect(await gate.ask(new Request("https://a.com/"))).toMatchObject({ passed: { identity: {} } });
    expect(reason(await gate.ask(bearer("x")))).toContain("unauthorized");
  });

  test("clock skew", async () => {
    const gate = gateOf({ jwt: { providers: [{ ...provider(), clockSkewMs: 60_000 }] } });
    expect(reason(await gate.ask(bearer(await sign({ claims: { exp: nowS() - 30 } }))))).toBe("passed");
    expect(reason(await gate.ask(bearer(await sign({ claims: { exp: nowS() - 90 } }))))).toContain("expired");
  });

  test("a remembered token is refused as soon as it has expired", async () => {
    let nowMs = Date.now();
    const gate = gateOf({ jwt: { providers: [provider()] } }, { nowMs: () => nowMs });
    const token = await sign({ claims: { exp: Math.floor(nowMs / 1_000) + 10 } });
    expect(reason(await gate.ask(bearer(token)))).toBe("passed");
    expect(reason(await gate.ask(bearer(token)))).toBe("passed");
    nowMs += 11_000;
    expect(reason(await gate.ask(bearer(token)))).toContain("expired");
  });

  test("required claims", async () => {
    const requiredClaims = [{ name: "tenant" }, { name: "groups", values: ["ops", "dev"] }];
    const gate = gateOf({ jwt: { providers: [{ ...provider(), requiredClaims }] } });
    const ask = async (claims: object) =>
      reason(await gate.ask(bearer(await sign({ claims: { ...claims } }))));
    expect(await ask({ tenant: "t", groups: ["qa", "dev"] })).toBe("passed");
    expect(await ask({ groups: "ops" })).toContain("a required claim is missing");
    expect(await ask({ tenant: "t", groups: ["qa"] })).toContain("a required claim is missing");
  });

  test("claims become headers that no client can write, and tokens can stay here", async () => {
    const claimToHeaders = [
      { header: "x-user", claim: "sub" },
      { header: "x-groups", claim: "groups" },
      { header: "x-name", claim: "name" },
      { header: "x-plan", claim: "plan.name" },
    ];
    const providers = [{ ...provider(), claimToHeaders, forwardOriginalToken: false }];
    const gate = gateOf({ jwt: { optional: true, providers } });
    const forged = { "x-user": "root", x_groups: "admin", "x-name": "root", "x-plan": "gold" };
    const token = await sign({ claims: { groups: ["a", "b"], name: "a\r\nx-evil: 1" } });
    const request = new Request("https://a.com/", {
      headers: { ...forged, authorization: `Bearer ${token}` },
    });
    const outcome = await gate.ask(request);
    if (!("passed" in outcome)) throw new Error(reason(outcome));
    expect(Object.fromEntries(outcome.passed.headers)).toEqual({ "x-user": "alice", "x-groups": "a,b" });
    const anonymous = await gate.ask(new Request("https://a.com/", { headers: forged }));
    if (!("passed" in anonymous)) throw new Error(reason(anonymous));
    expect(Object.fromEntries(anonymous.passed.headers)).toEqual({});
  });

  test("tokens in other places; a taken parameter is gone", async () => {
    const extractFrom = { headers: [{ name: "x-token" }], params: ["token"], cookies: ["session"] };
    const providers = [{ ...provider(), extractFrom, forwardOriginalToken: false }];
    const gate = gateOf({ jwt: { providers } });
    const token = await sign();
    expect(reason(await gate.ask(bearer(token)))).toBe("unauthorized: no token");
    expect(await gate.ask(new Request(`https://a.com/?a=1&token=${token}`))).toMatchObject({
      passed: { query: "a=1" },
    });
    const cookie = new Request("https://a.com/", { headers: { cookie: `a=1; session=${token}` } });
    const outcome = await gate.ask(cookie);
    expect("passed" in outcome && outcome.passed.headers.get("cookie")).toBe("a=1");
  });

  test("of several providers one has to accept", async () => {
    const second = { name: "second", issuer: "https://second", clockSkewMs: 0 };
    const providers = [provider(), { ...second, localJWKS: { keys: [other.jwk] as never[] } }];
    const gate = gateOf({ jwt: { providers } });
    const token = await sign({ key: other, claims: { iss: "https://second" } });
    expect(await gate.ask(bearer(token))).toMatchObject({
      passed: { identity: { token: { provider: "second" } } },
    });
    // The second issuer's key does not speak for the first.
    expect(reason(await gate.ask(bearer(await sign({ key: other }))))).toContain("wrong signature");
  });
});

describe("remote keys", () => {
  const uri = "https://issuer.example.com/jwks";

  function issuerOf(keys: JWK[]) {
    const state = { keys, fetches: 0, down: false, nowMs: Date.now() };
    const fetch = async (url: string): Promise<Response> => {
      expect(url).toBe(uri);
      state.fetches += 1;
      if (state.down) throw new Error("connection refused");
      return Response.json({ keys: state.keys });
    };
    const providers = [
      { name: "main", issuer, clockSkewMs: 300_000_000, remoteJWKS: { uri, cacheDurationMs: 60_000 } },
    ];
    const gate = gateOf({ jwt: { providers } }, { fetch, nowMs: () => state.nowMs });
    return {
      state,
      settled: () => gate.settled(),
      ask: async (wanted: Wanted = {}) => reason(await gate.ask(bearer(await sign(wanted)))),
    };
  }

  test("are fetched once, also for many requests at a time", async () => {
    const { state, ask } = issuerOf([ec.jwk]);
    expect(await Promise.all([ask(), ask(), ask(), ask()])).toEqual(Array(4).fill("passed"));
    expect(state.fetches).toBe(1);
  });

  test("are fetched again for an unknown key id, but not for every token that names one", async () => {
    const { state, ask } = issuerOf([ec.jwk]);
    expect(await ask()).toBe("passed");
    state.nowMs += 20_000;
    state.keys = [rsa.jwk];
    expect(await ask({ key: rsa, alg: "RS256" })).toBe("passed");
    expect(state.fetches).toBe(2);
    // The old key is gone with its set.
    expect(await ask()).toContain("unknown key");
    for (let index = 0; index < 50; index += 1) {
      expect(await ask({ header: { kid: `k${index}` } })).toContain("unknown key");
    }
    expect(state.fetches).toBe(2);
  });

  test("that are withdrawn are refused once the set is fetched anew, also for remembered tokens", async () => {
    const { state, ask, settled } = issuerOf([ec.jwk, rsa.jwk]);
    expect(await ask()).toBe("passed");
    state.keys = [rsa.jwk];
    state.nowMs += 61_000;
    expect(await ask({ key: rsa, alg: "RS256" })).toBe("passed");
    await settled();
    expect(await ask()).toContain("unknown key");
  });

  test("serve on while the issuer is down, for an hour", async () => {
    const { state, ask } = issuerOf([ec.jwk]);
    expect(await ask()).toBe("passed");
    state.down = true;
    state.nowMs += 30 * 60_000;
    expect(await ask()).toBe("passed");
    state.nowMs += 60 * 60_000;
    expect(await ask()).toContain("auth_unavailable");
    state.down = false;
    state.nowMs += 120_000;
    expect(await ask()).toBe("passed");
  });

  test("that cannot be had: refused, and asked for seldom", async () => {
    const { state, ask } = issuerOf([]);
    state.down = true;
    for (let index = 0; index < 20; index += 1) expect(await ask()).toContain("auth_unavailable");
    expect(state.fetches).toBe(1);
  });

  test("symmetric and private keys in a set count for nothing", async () => {
    const secret = base64url("a secret that is published, and long enough");
    const { ask } = issuerOf([{ kty: "oct", k: secret, kid: "ec", alg: "HS256" }]);
    expect(await ask()).toContain("unknown key");
  });

  test.each([
    ["no JSON", () => new Response("<html>")],
    ["no set", () => Response.json({})],
    ["a redirect", () => new Response(null, { status: 302, headers: { location: "https://evil/" } })],
    ["an error", () => new Response("", { status: 500 })],
    ["too much", () => new Response(`{"keys":[${" ".repeat(300_000)}]}`)],
  ])("%s is no set", async (_name, response) => {
    const providers = [{ name: "main", clockSkewMs: 0, remoteJWKS: { uri, cacheDurationMs: 60_000 } }];
    const gate = gateOf({ jwt: { providers } }, { fetch: async () => response() });
    expect(reason(await gate.ask(bearer(await sign())))).toContain("auth_unavailable");
  });

  const realm = "https://issuer.example.com/realm";
  const found = { issuer: realm, jwks_uri: uri };

  test.each([
    ["where the issuer says", found, "passed"],
    ["not of another issuer", { ...found, issuer: "https://other.example.com" }, "auth_unavailable"],
    ["not without their place", { issuer: realm }, "auth_unavailable"],
    [
      "not from a place without TLS",
      { ...found, jwks_uri: "http://issuer.example.com/jwks" },
      "auth_unavailable",
    ],
    ["not from what is no document", null, "auth_unavailable"],
  ])("are discovered %s", async (_name, document, expected) => {
    const answers: Record<string, unknown> = {
      [`${realm}/.well-known/openid-configuration`]: document,
      [uri]: { keys: [ec.jwk] },
    };
    const remoteJWKS = { uri: realm, discovery: true, cacheDurationMs: 60_000 };
    const providers = [{ name: "main", issuer, clockSkewMs: 0, remoteJWKS }];
    const gate = gateOf({ jwt: { providers } }, { fetch: async (url) => Response.json(answers[url]) });
    expect(reason(await gate.ask(bearer(await sign())))).toContain(expected);
  });
});
