// Snippets of the controller's ConfigMap: in front of all locations of all hosts, and in all of them.
import { expect, test } from "vitest";
import { loadConfig } from "../../load.ts";

function load(data: Record<string, string>, annotations: Record<string, string> = {}) {
  const ingress = {
    apiVersion: "networking.k8s.io/v1",
    kind: "Ingress",
    metadata: { name: "web", namespace: "shop", annotations },
    spec: {
      rules: [
        {
          host: "a.test",
          http: {
            paths: [
              { path: "/", pathType: "Prefix", backend: { service: { name: "web", port: { number: 80 } } } },
            ],
          },
        },
      ],
    },
  };
  const configMap = {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "ingress-nginx-controller", namespace: "ingress-nginx" },
    data,
  };
  const content = [ingress, configMap].map((one) => JSON.stringify(one)).join("\n---\n");
  const { model, diagnostics } = loadConfig([{ name: "a.yaml", content }]);
  const errors = diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => message);
  return { rules: model?.routes.flatMap((route) => route.rules) ?? [], errors };
}

test("answers stand in front, those of the host before those of all hosts", () => {
  const { rules, errors } = load(
    {
      "server-snippet": 'if ($http_user_agent ~* "bot") { return 403; }',
      "location-snippet": 'if ($arg_debug) { return 404; } more_set_headers "X-All: a";',
    },
    { "nginx.ingress.kubernetes.io/server-snippet": "if ($request_method = TRACE) { return 405; }" },
  );
  expect(errors).toEqual([]);
  const statuses = rules.map(({ filters: [first] }) =>
    first?.type === "DirectResponse" ? first.directResponse.statusCode : undefined,
  );
  expect(statuses).toEqual([405, 403, 404, undefined]);
  expect(rules.at(-1)!.filters).toMatchObject([
    { type: "ResponseHeaderModifier", responseHeaderModifier: { set: [{ name: "X-All", value: "a" }] } },
  ]);
});

test("an Ingress's own word on a header counts", () => {
  const own = { "nginx.ingress.kubernetes.io/configuration-snippet": 'more_set_headers "X-A: own";' };
  const { rules } = load({ "server-snippet": 'more_set_headers "X-A: all";' }, own);
  expect(rules[0]!.filters).toMatchObject([
    { responseHeaderModifier: { set: [{ name: "X-A", value: "own" }] } },
  ]);
});

test.each(["server-snippet", "location-snippet"])("%s: who may pass, other settings say", (name) => {
  expect(load({ [name]: "deny all;" }).errors).toContain(
    `${name}: allow and deny of all hosts are not read here`,
  );
  expect(load({ [name]: "lua_code_cache off;" }).errors).toContain(
    `${name}: "lua_code_cache off" is not read, and never run`,
  );
});
