// An explanation for people: the decisions in their order, then the candidates that were not taken.
import type { BackendExplanation } from "#traffic/explain/explain-backends.ts";
import type { ConnectionExplanation } from "#traffic/explain/explain-connection.ts";
import type { Explanation } from "#traffic/explain/explain-request.ts";
import type { Candidate } from "#traffic/match/explain.ts";
import { printable, table } from "./table.ts";

/** Candidates of other hosts and listeners are rarely what is asked for. */
const shownCandidates = 20;

export function explanationText(explanation: Explanation): string {
  const { listener, client, host, path, refusal, route, rule, match, policies, filters, backends } =
    explanation;
  const facts: [string, string | undefined][] = [
    ["listener", listener],
    ["client", client],
    ["host", host],
    ["path", path],
    ["route", route],
    ["rule", rule],
    ["matched on", match?.winner && JSON.stringify(match.winner.match)],
    ["refused", refusal],
    ...policies.map(({ policy, decision, detail }): [string, string] => [policy, `${decision}: ${detail}`]),
    ...filters.map(({ type, effect }): [string, string] => [type, effect]),
  ];
  return paragraphs([
    factsText(facts),
    ...backends.map((backend) => backendText(backend, "request")),
    candidatesText(match?.candidates ?? []),
  ]);
}

export function connectionText(explanation: ConnectionExplanation): string {
  const { listener, client, serverName, refusal, route, rule, candidates, policies, backends } = explanation;
  return paragraphs([
    factsText([
      ["listener", listener],
      ["client", client],
      ["server name", serverName],
      ["route", route],
      ["rule", rule],
      ["refused", refusal],
      ...policies.map(({ policy, decision, detail }): [string, string] => [policy, `${decision}: ${detail}`]),
    ]),
    ...backends.map((backend) => backendText(backend, "connection")),
    candidatesText(candidates),
  ]);
}

function paragraphs(parts: readonly string[]): string {
  return parts.filter((part) => part !== "").join("\n\n");
}

function factsText(facts: readonly [string, string | undefined][]): string {
  const known = facts.filter((fact): fact is [string, string] => fact[1] !== undefined);
  const width = Math.max(...known.map(([name]) => name.length));
  return known.map(([name, value]) => `${name.padEnd(width)}  ${printable(value)}`).join("\n");
}

function backendText(
  { backend, share, boundBy, algorithm, tunnel, endpoints }: BackendExplanation,
  what: "request" | "connection",
): string {
  const bound = boundBy === undefined ? "" : `, clients bound by ${boundBy}`;
  const way = tunnel === undefined ? "" : ` through the tunnel ${tunnel}`;
  const head = `backend ${backend ?? "(invalid)"}: ${percent(share)} of the rule's ${what}s${bound}, ${algorithm ?? ""}${way}`;
  const rows = endpoints.map(({ endpoint, share: load, picked, reasons }) => [
    endpoint,
    percent(load),
    picked ? `this ${what}` : reasons.join(", "),
  ]);
  return `${head}\n${table(["endpoint", "share", ""], rows, "no endpoints")}`;
}

function candidatesText(candidates: readonly Candidate[]): string {
  const rank = { wins: 0, outranked: 0, fails: 0, elsewhere: 1 };
  const others = candidates
    .filter(({ outcome }) => outcome !== "wins")
    .toSorted((a, b) => rank[a.outcome] - rank[b.outcome]);
  if (others.length === 0) return "";
  const rows = others
    .slice(0, shownCandidates)
    .map(({ rule, matchIndex, reasons }) => [
      `${rule} match ${matchIndex}`,
      printable(reasons.join("; ")) || "holds, but another one goes first",
    ]);
  const rest = others.length - rows.length;
  return `${table(["not taken", "because"], rows, "")}${rest > 0 ? `\n… and ${rest} more (--json)` : ""}`;
}

function percent(share: number): string {
  return `${Number((share * 100).toFixed(2))} %`;
}
