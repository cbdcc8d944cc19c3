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
];
