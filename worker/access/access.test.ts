// Networks, sizes, API keys, basic authentication, authorization and another server's word, as stages of a rule.
import { describe, expect, test } from "vitest";
import { issueAuthority, issueLeaf } from "#contract/identity/identity-fixture.ts";
import { gateOf, type Outcome } from "./access.fixture.ts";

const get = (headers: Record<string, string> = {}, url = "https://a.com/x?a=1"): Request =>
  new Request(url, { headers });

function passed(outcome: Outcome) {
  if (!("passed" in outcome)) throw new Error(JSON.stringify(outcome));
  return outcome.passed;
}

describe("networks", () => {
  test("the client's address decides", async () => {
    const gate = gateOf({ clientCIDRs: { allow: ["10.0.0.0/8"], deny: ["10.9.0.0/16"] } });
    expect(await gate.ask(get(), { client: "10.1.1.1" })).toHaveProperty("passed");
    expect(await gate.ask(get(), { client: "10.9.1.1" })).toMatchObject({ code: "forbidden" });
    expect(await gate.ask(get(), { client: "192.0.2.1" })).toMatchObject({ code: "forbidden" });
    // What the client itself says about its address does not.
    const forged = get({ "x-forwarded-for": "10.1.1.1", "x-real-ip": "10.1.1.1" });
    expect(await gate.ask(forged, { client: "192.0.2.1" })).toMatchObject({ code: "forbidden" });
  });
});

describe("body size", () => {
  const gate = gateOf({ requestLimits: { bodyBytes: 8 } });
  const post = (body: BodyInit, headers: Record<string, string> = {}) =>
    new Request("https://a.com/", { method: "POST", body, headers });
  const stream = (...chunks: string[]) =>
    new ReadableStream({
      start(controller) {
        for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk));
        controller.close();
      },
    });

  test("declared: refused before any of it is read", async () => {
    expect(passed(await gate.ask(post("12345678", { "content-length": "8" }))).body).toBe("12345678");
    expect(await gate.ask(post("123456789", { "content-length": "9" }))).toMatchObject({
      code: "request_too_large",
    });
  });

  test("not declared: counted while it streams", async () => {
    expect(passed(await gate.ask(post(stream("1234", "5678")))).body).toBe("12345678");
    expect(await gate.ask(post(stream("1234", "56789")))).toMatchObject({ code: "request_too_large" });
  });

  test("no body", async () => {
    expect(await gate.ask(get())).toHaveProperty("passed");
  });
});

describe("API keys", () => {
  // printf %s k-one | sha256sum, and k-two.
  const credentials = [
    { clientID: "one", sha256: "51ad7fe8c6d4fbefdfb36342db50f1922e67866e1f2acce68376c48be8dccfcc" },
    { clientID: "two", sha256: "13c9b36b189b70dd9736268cba8fdd8367f4126e7b2d1605c7bbf639668b48a4" },
  ];
  const extractFrom = { headers: ["X-API-Key"], params: ["key"], cookies: ["key"] };
  const gate = (options: object = {}) => gateOf({ apiKeyAuth: { credentials, extractFrom, ...options } });

  test("a key in any of its places", async () => {
    const open = gate();
    for (const request of [
      get({ "x-api-key": "k-two" }),
      get({ cookie: "key=k-two" }),
      get({}, "https://a.com/?key=k-two"),
    ]) {
      expect(passed(await open.ask(request)).identity).toEqual({ clientId: "two" });
    }
  });

  test.each([
    ["no key", {}],
    ["a wrong key", { "x-api-key": "k-three" }],
    ["the hash as a key", { "x-api-key": credentials[0]!.sha256 }],
    ["a very long key", { "x-api-key": "k".repeat(5_000) }],
  ])("%s: 401 with a challenge", async (_name, headers) => {
    const outcome = await gate().ask(get(headers as Record<string, string>));
    expect(outcome).toMatchObject({ code: "unauthorized", challenge: 'ApiKey realm="isthmus"' });
    expect(JSON.stringify(outcome)).not.toContain("k-three");
  });

  test("the endpoint hears whose it is, from the gateway alone, and not the key", async () => {
    const telling = gate({ forwardClientIDHeader: "x-client", sanitize: true });
    const byHeader = passed(
      await telling.ask(get({ "x-api-key": "k-two", "x-client": "root", x_client: "root" })),
    );
    expect(Object.fromEntries(byHeader.headers)).toEqual({ "x-client": "two" });
    const byParam = passed(await telling.ask(get({}, "https://a.com/?a=%2F&key=k-two&b")));
    expect(byParam.query).toBe("a=%2F&b");
  });
});

describe("basic authentication", () => {
  const users = [
    "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=",
    "bob:$pbkdf2-sha256$1000$MDEyMzQ1Njc4OWFiY2RlZg$tiKWHy4FAGCWE8gn6GtKhaxD2OeeAUUWXFT/p1aaNl8",
  ];
  const basic = (user: string, password: string) =>
    get({ authorization: `Basic ${btoa(`${user}:${password}`)}` });

  test("right and wrong passwords of both kinds", async () => {
    const gate = gateOf({ basicAuth: { users, realm: "the realm", forwardUsernameHeader: "x-user" } });
    for (const user of ["alice", "bob"]) {
      const outcome = passed(await gate.ask(basic(user, "secret")));
      expect(outcome.identity).toEqual({ user });
      expect(outcome.headers.get("x-user")).toBe(user);
      expect(await gate.ask(basic(user, "wrong"))).toMatchObject({ code: "unauthorized" });
    }
    for (const request of [
      get(),
      basic("eve", "secret"),
      basic("", "secret"),
      get({ authorization: "Basic" }),
    ]) {
      expect(await gate.ask(request)).toMatchObject({
        code: "unauthorized",
        challenge: 'Basic realm="the realm", charset="UTF-8"',
      });
    }
  });

  test("strangers cause only so many slow checks, while those who are known get in", async () => {
    let nowMs = 0;
    const gate = gateOf({ basicAuth: { users: [users[1]!] } }, { nowMs: () => nowMs });
    expect(await gate.ask(basic("bob", "secret"))).toHaveProperty("passed");
    const codes: string[] = [];
    for (let index = 0; index < 40; index += 1) {
      const outcome = await gate.ask(basic(index % 2 ? "bob" : "eve", `guess ${index}`));
      codes.push("code" in outcome ? outcome.code : "passed");
    }
    expect(codes.filter((code) => code === "unauthorized")).toHaveLength(19);
    expect(codes.filter((code) => code === "auth_unavailable")).toHaveLength(21);
    expect(await gate.ask(basic("bob", "secret"))).toHaveProperty("passed");
    nowMs += 1_000;
    expect(await gate.ask(basic("bob", "wrong"))).toMatchObject({ code: "unauthorized" });
  });
});

describe("authorization", () => {
  test("reads what authentication has proved", async () => {
    const gate = gateOf({
      basicAuth: { users: ["alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="] },
      authorization: {
        rules: [
          { action: "Allow", principal: { users: ["alice"] }, operation: { paths: [{ value: "/x" }] } },
        ],
      },
    });
    const authorization = `Basic ${btoa("alice:secret")}`;
    expect(await gate.ask(get({ authorization }))).toHaveProperty("passed");
    expect(await gate.ask(get({ authorization }, "https://a.com/y"))).toMatchObject({
      code: "forbidden",
      message: "authorization: default action",
    });
  });

  test("the SPIFFE id of a client certificate", async () => {
    const root = await issueAuthority("root");
    const rules = [{ action: "Allow" as const, principal: { principals: ["spiffe://a.test/team/*"] } }];
    const gate = gateOf({ authorization: { rules } });
    const ask = async (spiffeId: string, certVerified = "SUCCESS") => {
      const { der } = await issueLeaf(root, spiffeId);
      const certRFC9440 = `:${btoa(String.fromCharCode(...der))}:`;
      const cf = { tlsClientAuth: { certPresented: "1", certVerified, certRFC9440 } };
      return gate.ask(new Request("https://a.com/", { cf } as RequestInit));
    };
    const certificate = "spiffe://a.test/team/blue";
    expect(passed(await ask(certificate)).identity).toEqual({ certificate });
    expect(await ask("spiffe://a.test/other/blue")).toMatchObject({ code: "forbidden" });
    expect(await ask(certificate, "FAILED:CERT_HAS_EXPIRED")).toMatchObject({ code: "forbidden" });
  });

  test("a client certificate counts only if the handshake verified it", async () => {
    const gate = gateOf({
      authorization: { rules: [{ action: "Allow", principal: { principals: ["*"] } }] },
    });
    const withCf = (cf: object) => new Request("https://a.com/", { cf } as RequestInit);
    for (const certVerified of ["NONE", "FAILED:self signed certificate", "success"]) {
      const tlsClientAuth = { certPresented: "1", certVerified, certRFC9440: ":AAAA:" };
      expect(await gate.ask(withCf({ tlsClientAuth }))).toMatchObject({ code: "forbidden" });
    }
    const garbage = { certPresented: "1", certVerified: "SUCCESS", certRFC9440: ":AAAA:" };
    expect(await gate.ask(withCf({ tlsClientAuth: garbage }))).toMatchObject({ code: "forbidden" });
  });
});

describe("external authorization", () => {
  const url = "http://auth.example.com/check?x=1";

  function asked(
    answer: (request: Request) => Response | Promise<Response>,
    options: object = {},
    policy: Parameters<typeof gateOf>[0] = {},
  ) {
    const requests: Request[] = [];
    const fetch = async (target: string, init: RequestInit): Promise<Response> => {
      const request = new Request(target, init);
      requests.push(request);
      return answer(request);
    };
    const { http, ...others } = options as { http?: object };
    const extAuth = { http: { url, ...http }, timeoutMs: 200, ...others };
    return { requests, gate: gateOf({ extAuth, ...policy }, { fetch }) };
  }

  test("2xx lets a request pass, with headers that no client can write", async () => {
    const { gate, requests } = asked(
      () => new Response(null, { status: 204, headers: { "x-user": "alice", "x-secret": "s" } }),
      { http: { headersToBackend: ["x-user", "x-role"] }, headersToExtAuth: ["x-team", "x-role"] },
    );
    const sent = {
      authorization: "Bearer t",
      cookie: "c=1",
      "x-team": "t",
      "x-role": "admin",
      "x-user": "root",
    };
    const outcome = passed(await gate.ask(get(sent)));
    expect(Object.fromEntries(outcome.headers)).toEqual({
      authorization: "Bearer t",
      cookie: "c=1",
      "x-team": "t",
      "x-user": "alice",
    });
    expect(requests[0]!.method).toBe("GET");
    expect(requests[0]!.url).toBe(url);
    expect(Object.fromEntries(requests[0]!.headers)).toEqual({
      authorization: "Bearer t",
      "x-team": "t",
      "x-original-method": "GET",
      "x-original-url": "https://a.com/x?a=1",
      "x-forwarded-method": "GET",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "a.com",
      "x-forwarded-uri": "/x?a=1",
      "x-auth-request-redirect": "/x?a=1",
      "x-forwarded-for": "10.0.0.1",
      "x-real-ip": "10.0.0.1",
    });
  });

  test("the question has further headers, and the client hears of the answer's", async () => {
    const answer = () =>
      new Response(null, {
        headers: [
          ["set-cookie", "a=1"],
          ["set-cookie", "b=2"],
          ["x-user", "ann"],
        ],
      });
    const http = {
      headersToAdd: [{ name: "X-Team", value: "blue" }],
      headersToClient: ["Set-Cookie", "X-User", "X-Role"],
    };
    const { gate, requests } = asked(answer, { http, headersToExtAuth: ["x-team"] });
    const { told } = passed(await gate.ask(get({ "x-team": "red" })));
    expect(requests[0]!.headers.get("x-team")).toBe("blue");
    expect([...told]).toEqual([
      ["content-type", "text/plain;charset=UTF-8"],
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
      ["x-user", "ann"],
    ]);
  });

  test("signing in: a Location that is put together from the request", async () => {
    const location = [{ text: "https://login/?to=" }, { from: "Target" as const }];
    const { gate } = asked(() => new Response(null, { status: 401 }), { http: { signIn: { location } } });
    const outcome = await gate.ask(get());
    if (!("response" in outcome)) throw new Error(JSON.stringify(outcome));
    expect(outcome.response.headers.get("location")).toBe("https://login/?to=/x?a=1");
  });

  test("asked with method and path, without the body", async () => {
    const { gate, requests } = asked(() => new Response("ok"), { http: { forwardPath: true } });
    const request = new Request("https://a.com/x/y?a=1", { method: "POST", body: "hello" });
    expect(passed(await gate.ask(request)).body).toBe("hello");
    expect(requests[0]!.method).toBe("POST");
    expect(requests[0]!.url).toBe("http://auth.example.com/check/x/y?x=1&a=1");
    expect(requests[0]!.body).toBeNull();
  });

  test.each([401, 403, 302, 429])("%i goes to the client with headers and a bounded body", async (status) => {
    const headers = {
      location: "https://login",
      "set-cookie": "a=b",
      "www-authenticate": "Custom",
      connection: "x-hop",
      "x-hop": "1",
    };
    const { gate } = asked(() => new Response("n".repeat(100_000), { status, headers }));
    const outcome = await gate.ask(get());
    if (!("response" in outcome)) throw new Error(JSON.stringify(outcome));
    expect(outcome.response.status).toBe(status);
    expect(outcome.response.headers.get("location")).toBe("https://login");
    expect(outcome.response.headers.get("set-cookie")).toBe("a=b");
    expect(outcome.response.headers.get("x-hop")).toBeNull();
    expect((await outcome.response.text()).length).toBe(64 * 1024);
  });

  test.each<[string, () => Response | Promise<Response>]>([
    ["5xx", () => new Response(null, { status: 502 })],
    ["no connection", () => Promise.reject(new Error("refused"))],
  ])("%s: refused, or passed if so configured", async (_name, answer) => {
    expect(await asked(answer).gate.ask(get())).toMatchObject({ code: "auth_unavailable" });
    expect(await asked(answer, { failOpen: true }).gate.ask(get())).toHaveProperty("passed");
    // Also then, nothing that the client sends passes for the server's word.
    const open = asked(answer, { failOpen: true, http: { headersToBackend: ["x-user"] } });
    expect(passed(await open.gate.ask(get({ "x-user": "root" }))).headers.get("x-user")).toBeNull();
  });

  test("a slow server is one that does not answer", async () => {
    const never = (request: Request) =>
      new Promise<Response>((_resolve, reject) => {
        request.signal.addEventListener("abort", () => reject(new Error("aborted")));
      });
    expect(await asked(never).gate.ask(get())).toMatchObject({ code: "auth_unavailable" });
  });

  test("the policy's own rules go first and cost no call", async () => {
    let calls = 0;
    const fetch = async (): Promise<Response> => {
      calls += 1;
      return new Response("ok");
    };
    const extAuth = { http: { url }, timeoutMs: 100 };
    const authorization = { rules: [{ action: "Deny" as const }] };
    expect(await gateOf({ extAuth, authorization }, { fetch }).ask(get())).toMatchObject({
      code: "forbidden",
    });
    expect(calls).toBe(0);
  });

  test("asked first: its answer comes before every other refusal, and its headers are read as the request's", async () => {
    const { gate, requests } = asked(
      (request) =>
        request.headers.get("x-pass") === "yes"
          ? new Response("ok", { headers: { authorization: "Basic YWxpY2U6c2VjcmV0", "x-team": "red" } })
          : new Response("who?", { status: 401 }),
      {
        order: "First",
        http: {
          headersToBackend: ["authorization", "x-team"],
          headersToAdd: [{ name: "x-from", value: "gw" }],
        },
        headersToExtAuth: ["x-p*"],
      },
      {
        basicAuth: { users: ["alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ="] },
        authorization: {
          rules: [{ action: "Allow", principal: { headers: [{ name: "x-team", values: ["red"] }] } }],
        },
      },
    );
    const refused = await gate.ask(get({ "x-team": "red" }));
    expect(refused).toHaveProperty("response.status", 401);
    expect(await (refused as { response: Response }).response.text()).toBe("who?");
    const sent = { "x-pass": "yes", "x-other": "o", "x-from": "client", "x-team": "blue" };
    const outcome = passed(await gate.ask(get(sent)));
    expect(outcome.identity).toEqual({ user: "alice" });
    expect(outcome.headers.get("x-team")).toBe("red");
    expect(requests[1]!.headers.get("x-pass")).toBe("yes");
    expect(requests[1]!.headers.get("x-from")).toBe("gw");
    expect(requests[1]!.headers.has("x-other")).toBe(false);
  });

  test("asked about some requests alone; where that is not certain, about it", async () => {
    const rules = [
      { operation: { paths: [{ type: "Exact" as const, value: "/x" }] } },
      { principal: { headers: [{ name: "x-check", values: ["1"] }] } },
    ];
    const { gate, requests } = asked(() => new Response("no", { status: 403 }), {
      rules,
      http: { headersToBackend: ["x-user", "authorization"] },
    });
    const open = passed(
      await gate.ask(get({ "x-user": "root", authorization: "Bearer t" }, "https://a.com/y")),
    );
    expect(Object.fromEntries(open.headers)).toEqual({ authorization: "Bearer t" });
    expect(requests).toEqual([]);
    expect(await gate.ask(get())).toHaveProperty("response.status", 403);
    expect(await gate.ask(get({}, "https://a.com/x;y"))).toHaveProperty("response.status", 403);
    expect(await gate.ask(get({ "x-check": "0, 1" }, "https://a.com/y"))).toHaveProperty(
      "response.status",
      403,
    );
  });
});
