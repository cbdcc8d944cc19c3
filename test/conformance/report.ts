// docs/conformance.md, made from the list of tests, so that it cannot say anything else than they do.
import type { ConformanceTest } from "./conformance-test.ts";
import type { UnsupportedTests } from "./unsupported.ts";

export function reportText(
  tests: readonly ConformanceTest[],
  unsupported: readonly UnsupportedTests[],
): string {
  const rows = tests.map(({ name, support }) => `| ${name} | ${support} | pass |`);
  const missing = unsupported.flatMap(({ names, reason }) => names.map((name) => `| ${name} | ${reason} |`));
  return `# Conformance

What of the Gateway API's conformance tests holds here, by their names (\`conformance/tests\` of kubernetes-sigs/gateway-api,
v1.6.1 and what is named since).
The manifests are our own; requests go through \`isthmus serve\` over real sockets to pods on the same machine, those of
gRPC and of HTTP/2 through an agent, since workerd speaks HTTP/1.1 to endpoints. \`test/conformance.test.ts\` runs them and
compares this page with their list, so a test that fails, or one that is added, fails CI until the page says so.

| test | support | result |
|---|---|---|
${rows.join("\n")}

Shares of traffic are measured over 500 requests and within 5 points, as the suite does. Where the suite changes an object
and waits (\`GatewayModifyListeners\`, \`GatewayStaticAddresses\`, \`BackendTLSPolicy\`, the tests of \`observedGeneration\`), each
of its states stands in an object of its own: conditions are computed from files, and nothing is remembered between them.

## Not here

| test | why |
|---|---|
${missing.join("\n")}
`;
}
