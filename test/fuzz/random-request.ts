// Random requests: hosts, paths in odd spellings, headers, cookies, bodies.
import * as fc from "fast-check";

export interface FuzzRequest {
  readonly listener: "web" | "secure";
  readonly method: string;
  readonly host: string;
  /** As it stands in the request line, without the query. */
  readonly rawPath: string;
  readonly query: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly client: string;
  readonly body: string | undefined;
}

const segments = `a b A ab aaaaaaaaaaaaaaaaaaaaaaaaaaaaac a;x ;y %2A * %61 %C3%A4 ~ %7e . .. %2e%2e ..;x %2F %zz %00 %252e`;
const segment = fc.constantFrom("", ...segments.split(" "));
const rawPath = fc
  .tuple(fc.array(segment, { maxLength: 5 }), fc.boolean())
  .map(([segments, slash]) => `/${segments.join("/")}${slash ? "/" : ""}`);
const value = fc.constantFrom("1", "2", "3", "", "11111111111111111111111111112");

export const fuzzRequests: fc.Arbitrary<FuzzRequest> = fc
  .record({
    listener: fc.constantFrom("web" as const, "secure" as const),
    method: fc.constantFrom("GET", "POST", "PUT", "DELETE"),
    host: fc.constantFrom(
      "a.test",
      "b.a.test",
      "c.b.a.test",
      "x.y.a.test",
      "test",
      "other",
      "none.example",
      "A.TEST:80",
    ),
    rawPath,
    x: fc.option(value),
    y: fc.option(value),
    headers: fc.record(
      { "x-x": value, "x-y": value, cookie: fc.constantFrom("x=1", "x=2; y=1", "y=; x=1;x=2", "z") },
      { requiredKeys: [] },
    ),
    client: fc.constantFrom("10.0.0.1", "10.1.0.1", "2001:db8::1", "198.51.100.7"),
    body: fc.option(fc.constantFrom("", "hello", "x".repeat(70_000)), { nil: undefined }),
  })
  .map(({ x, y, ...request }) => {
    const query = [x === null ? [] : [`x=${x}`], y === null ? [] : [`y=${y}`]].flat().join("&");
    const takesBody = request.method === "POST" || request.method === "PUT";
    return { ...request, query, body: takesBody ? request.body : undefined };
  });
