// What a way through the rules comes to may be more than a rule can say: an error with its place, as all others are.
import { expect, test } from "vitest";
import { formatDiagnostic } from "#contract/diagnostic.ts";
import { loadConfig } from "../../load.ts";

const diagnosticsOf = (content: string): string[] =>
  loadConfig([{ name: "haproxy.cfg", content }]).diagnostics.map(formatDiagnostic);

test("a page for requests without a backend that cannot be put together", () => {
  const page = 'http-error status 503 content-type text/plain lf-string "%[fc_rtt]"';
  expect(diagnosticsOf(`frontend web\n mode http\n bind :80\n ${page}\n`)).toContainEqual(
    expect.stringMatching(/^haproxy\.cfg:1:1: error: .*the answer depends on the request/),
  );
});

test("more replaced responses than a rule has room for", () => {
  const refusals = Array.from(
    { length: 33 },
    (_, index) => ` http-response deny if { status ${400 + index} }\n`,
  );
  const content = `frontend web
 mode http
 bind :80
 default_backend site
backend site
 mode http
 server a 10.0.0.1:80
`;
  expect(diagnosticsOf(content + refusals.slice(1).join(""))).toEqual([]);
  expect(diagnosticsOf(content + refusals.join(""))).toContainEqual(
    expect.stringMatching(/^haproxy\.cfg:4:2: error: .*more than 32 responses are replaced/),
  );
});
