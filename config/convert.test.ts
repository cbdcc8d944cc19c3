import { expect, test } from "vitest";
import { convertConfig } from "./convert.ts";
import { loadConfig } from "./load.ts";
import { everyField } from "./native/every-field.fixture.ts";
import { nativeConfigSchema } from "./native/schema.ts";

const haproxy = {
  name: "haproxy.cfg",
  content: `defaults
  mode http
frontend web
  bind :80
  acl api path_beg /api
  use_backend api if api
  default_backend site
backend site
  server s 10.0.0.1:80
backend api
  server a 10.0.0.2:80
`,
};

test("each part says where it is from, and goes on saying it", () => {
  const { text, diagnostics } = convertConfig([haproxy]);
  expect(diagnostics).toEqual([]);
  expect(text).toBe(`listeners:
  # from haproxy.cfg:4 frontend.web
  - { name: web, protocol: HTTP, port: 80, errorPages: web }
routes:
  # from haproxy.cfg:6 frontend.web
  - name: web
    listeners: [ web ]
    rules:
      - matches:
          - path: { type: RegularExpression, value: /api.* }
        backendRefs:
          - { name: api }
      # from haproxy.cfg:7 frontend.web
      - backendRefs:
          - { name: site }
backends:
  # from haproxy.cfg:10 backend.api
  - name: api
    endpoints:
      - { address: 10.0.0.2, port: 80 }
  # from haproxy.cfg:8 backend.site
  - name: site
    endpoints:
      - { address: 10.0.0.1, port: 80 }
errorPages:
  # from haproxy.cfg:3 frontend.web
  - name: web
    pages:
      - match:
          errorCodes:
            - endpoint_connect_failed
            - endpoint_connect_timeout
            - endpoint_certificate_mismatch
            - endpoint_certificate_untrusted
            - endpoint_certificate_expired
            - endpoint_tls_failed
        response: { statusCode: 503 }
`);
  expect(convertConfig([{ name: "isthmus.yaml", content: text! }]).text).toBe(text);
});

test("files in any order give one text; comments of people are no origins", () => {
  const native = {
    name: "extra.yaml",
    content: "backends:\n  # the old one\n  - name: a\n    endpoints: [{ address: 10.0.0.9, port: 80 }]\n",
  };
  const { text } = convertConfig([haproxy, native]);
  expect(convertConfig([native, haproxy]).text).toBe(text);
  expect(text).toContain("backends:\n  - name: a\n");
});

test("what is not valid is reported and not converted", () => {
  const { text, diagnostics } = convertConfig([
    { name: "haproxy.cfg", content: "frontend web\n  bind :80\n  bnd :81\n" },
  ]);
  expect(text).toBeUndefined();
  expect(diagnostics.map(({ code }) => code)).toContain("keyword-unknown");
});

/** What the fields of {@link everyField} refer to; it names everything `a`. */
const referredTo = {
  listeners: [{ name: "a", protocol: "HTTP", port: 1 }],
  backends: [{ name: "a", endpoints: [{ address: "10.0.0.1", port: 1 }] }],
  errorPages: [
    { name: "a", pages: [{ match: { errorCodes: ["path_malformed"] }, response: { statusCode: 503 } }] },
  ],
};

test("whatever field is used, what is converted is served alike, and converting again changes nothing", () => {
  let served = 0;
  for (const value of everyField(nativeConfigSchema).values) {
    const files = [
      { name: "isthmus.json", content: JSON.stringify({ ...referredTo, ...(value as object) }) },
    ];
    const { snapshot } = loadConfig(files);
    // Fields that only make sense together are refused alone.
    if (!snapshot) continue;
    served += 1;
    const { text } = convertConfig(files);
    const converted = [{ name: "isthmus.yaml", content: text! }];
    expect(loadConfig(converted).snapshot, text).toEqual(snapshot);
    expect(convertConfig(converted).text, text).toBe(text);
  }
  expect(served).toBeGreaterThan(600);
});
