import { expect, test } from "vitest";
import { loadConfig } from "../load.ts";

test("endpoints of a backend that there is not are not counted", () => {
  const content = `listeners: [{ name: web, protocol: HTTP, port: 80 }]
backends: [{ name: app, endpoints: [{ address: 10.0.0.1, port: 80 }] }]
routes:
  - name: a
    rules:
      - filters:
          - type: RequestHeaderModifier
            requestHeaderModifier: { setFrom: [{ name: x-up, parts: [{ from: EndpointsUp, name: ap }] }] }
        backendRefs: [{ name: app }]`;
  const { diagnostics } = loadConfig([{ name: "f", content }]);
  expect(diagnostics).toEqual([
    expect.objectContaining({
      code: "reference-unknown",
      line: 8,
      message: 'no backend is named "ap"',
      remedy: 'Did you mean "app"?',
    }),
  ]);
});
