import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Document, visit } from "yaml";
import { isShort, plainItem } from "./plain-yaml.ts";

/** The same item in a list that is not short, by the `yaml` package. */
function byPackage(item: unknown): string {
  const document = new Document([item], { version: "1.2", schema: "core", aliasDuplicateObjects: false });
  visit(document, {
    Collection: (key, node) => {
      node.flow = key !== null && isShort(node.toJSON() as object);
    },
  });
  return document.toString({ lineWidth: 100 });
}

const words =
  "a|api.example.com|*.example.com|*|*.|/x/[0-9]+|/a.*|/a$|^/x|a b|a: b|a:b|a:|a#b|#|a #b|-|-a|a-|1|1.5|1e3|0x1f|10.0.0.1|10.0.0.0/8|::1|30s|1h30m|1e3s|null|Null|true|TRUE|yes|on|~|.inf|.nan|it's|a,b|{a}|<<|=|%41|@x|&a|!t|?x|?|2026-01-01|http://x/y?z=1&w=2#f".split(
    "|",
  );
const text = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...words) },
  { weight: 2, arbitrary: fc.stringMatching(/^[A-Za-z/][\w./*$()|+?~=;%@^:-]{0,80}$/) },
  { weight: 1, arbitrary: fc.string({ maxLength: 12 }) },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.stringMatching(/^[ -~]{0,60}$/), { minLength: 1, maxLength: 3 })
      .map((lines) => `${lines.join("\n")}\n`),
  },
  { weight: 1, arbitrary: fc.stringMatching(/^\*?[0-9.]{1,110}$/) },
);
const scalar = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null), fc.double());
const { item } = fc.letrec((tie) => ({
  item: fc.oneof({ maxDepth: 6 }, { weight: 2, arbitrary: scalar }, tie("map"), tie("list")),
  map: fc.dictionary(text, tie("item"), { maxKeys: 4 }),
  list: fc.array(tie("item"), { maxLength: 4 }),
}));

test("what is written at all is what the package writes", () => {
  let written = 0;
  fc.assert(
    fc.property(item, (value) => {
      const plain = plainItem(value, "", () => undefined);
      if (plain === undefined) return;
      written += 1;
      expect(plain).toBe(byPackage(value));
    }),
    { numRuns: 3_000 },
  );
  expect(written).toBeGreaterThan(300);
});

test("what configurations are full of is written", () => {
  const route = {
    name: "shop/web",
    hostnames: ["*.example.com"],
    rules: [
      {
        matches: [{ path: { type: "PathPrefix", value: "/a-b" } }, { headers: [] }],
        timeouts: { request: "1m30s" },
        page: "<h1>Away</h1>\nBack soon: today.\n",
      },
    ],
  };
  const comments = new Map<unknown, string>([
    [route, "from a.yaml:1 x"],
    [route.rules[0], "from a.yaml:2 y"],
  ]);
  expect(plainItem(route, "  ", (part) => comments.get(part))).toBe(`  # from a.yaml:1 x
  - name: shop/web
    hostnames: [ "*.example.com" ]
    rules:
      # from a.yaml:2 y
      - matches:
          - path: { type: PathPrefix, value: /a-b }
          - headers: []
        timeouts: { request: 1m30s }
        page: |
          <h1>Away</h1>
          Back soon: today.
`);
});
