// Cases of priorities and of further conditions, for the table of `matcher-cases.ts`.
import type { MatchInput, RequestInput } from "./match-case.ts";
import type { MatcherCase } from "./matcher-cases.ts";

const exact = (value: string): MatchInput => ({ path: { type: "Exact", value } });
const prefix = (value: string): MatchInput => ({ path: { type: "PathPrefix", value } });
const regex = (value: string): MatchInput => ({ path: { type: "RegularExpression", value } });
const get = (target: string, more: Partial<RequestInput> = {}): RequestInput => ({ target, ...more });

export const priorityCases: MatcherCase[] = [
  {
    title: "priority goes before every other criterion, over all routes of a host",
    routes: [
      { name: "a", rules: [[exact("/x")], [prefix("/")]], priorities: [0, -1] },
      { name: "b", rules: [[regex("/.*")], [prefix("/x")]], priorities: [0, 7] },
      { name: "c", hostnames: ["c.test"], rules: [[prefix("/")]], priorities: [-5] },
    ],
    requests: [
      [get("/x"), "b/1"],
      [get("/x/y"), "b/1"],
      [get("/y"), "b/0"],
      [get("/x", { host: "c.test" }), "c/0"],
    ],
  },
  {
    title: "further conditions under `and` hold, too, on what the match already looks at",
    routes: [
      {
        name: "r",
        rules: [
          [
            {
              ...regex("/img/.*"),
              headers: [{ name: "a", type: "RegularExpression", value: ".*x.*" }],
              and: [
                { path: { type: "RegularExpression", value: ".*\\.png" } },
                { headers: [{ name: "a", type: "RegularExpression", value: ".*y.*" }], method: "GET" },
              ],
            },
          ],
        ],
      },
    ],
    requests: [
      [get("/img/a.png", { headers: { a: "xy" } }), "r/0"],
      [get("/img/a.png", { headers: { a: "xy" }, method: "PUT" }), undefined],
      [get("/img/a.png", { headers: { a: "x" } }), undefined],
      [get("/img/a.jpg", { headers: { a: "xy" } }), undefined],
      [get("/a.png", { headers: { a: "xy" } }), undefined],
    ],
  },
  {
    title: "texts that are put together from the request, and of which a part may be missing",
    routes: [
      {
        name: "r",
        rules: [
          [{ and: [{ texts: [{ parts: [{ from: "Host" }, { from: "Path" }], value: "a.test/both" }] }] }],
          [
            {
              and: [
                { texts: [{ parts: [{ from: "Query" }], type: "RegularExpression", value: ".*union.*" }] },
              ],
            },
          ],
          [
            {
              and: [
                {
                  texts: [
                    {
                      parts: [{ from: "Header", name: "x-size" }],
                      type: "InRange",
                      range: { min: 2, max: 4 },
                    },
                  ],
                },
              ],
            },
          ],
          [
            {
              and: [
                {
                  texts: [
                    { parts: [{ from: "Header", name: "x-by" }], type: "InNetworks", cidrs: ["10.0.0.0/8"] },
                  ],
                },
              ],
            },
          ],
          [
            {
              and: [
                { texts: [{ parts: [{ text: "k" }, { from: "Header", name: "x-k" }], type: "Present" }] },
              ],
              not: [
                {
                  texts: [
                    {
                      parts: [{ from: "Header", name: "x-k", transforms: [{ type: "Base64Decode" }] }],
                      value: "abc",
                    },
                  ],
                },
              ],
            },
          ],
        ],
      },
    ],
    requests: [
      [get("/both", { host: "a.test", headers: { host: "a.test" } }), "r/0"],
      [get("/?q=a%20union%20b"), "r/1"],
      [get("/", { headers: { "x-size": "3" } }), "r/2"],
      [get("/", { headers: { "x-size": "5" } }), undefined],
      [get("/", { headers: { "x-size": "" } }), undefined],
      [get("/", { headers: { "x-by": "203.0.113.9, 10.1.2.3" } }), "r/3"],
      [get("/", { headers: { "x-by": "203.0.113.9, 110.1.2.3, x" } }), undefined],
      [get("/", { headers: { "x-k": "no Base64!" } }), "r/4"],
      [get("/", { headers: { "x-k": "YWJj" } }), undefined],
      [get("/"), undefined],
    ],
  },
];
