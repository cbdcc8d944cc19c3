// `isthmus stat`: what HAProxy's `show stat` shows, and its CSV.
import type { Command } from "commander";
import type { BackendStats, Stats, Traffic } from "#contract/stats.ts";
import { contextFor, withTarget } from "../command-context.ts";
import { printable, table } from "../table.ts";

export function addStat(program: Command): void {
  withTarget(program.command("stat"))
    .summary("show requests, rates, latencies and states of listeners, backends and endpoints")
    .addHelpText(
      "after",
      "\nThe same as a page: /stats on the control; as HAProxy's CSV: /stats;csv; for Prometheus: /metrics.\nThe password of all three is a token of the role reader.\n\nExamples:\n  isthmus stat\n  isthmus stat --json | jq '.backends[] | select(.up | not).name'",
    )
    .action(async (_flags: object, command: Command) => {
      const { client, printer } = await contextFor(command);
      const stats = await client.stats();
      printer.result(stats, statText(stats));
    });
}

const trafficHeading = ["requests", "req/s", "2xx", "3xx", "4xx", "5xx"];

function statText({ listeners, backends }: Stats): string {
  return [
    table(
      ["listener", "port", ...trafficHeading],
      listeners.map((listener) => [listener.name, String(listener.port), ...trafficCells(listener)]),
      "no listeners",
    ),
    table(
      ["backend", "endpoint", "state", "weight", "under way", "avg ms", ...trafficHeading],
      backends.flatMap(backendRows),
      "no backends",
    ),
  ].join("\n\n");
}

function backendRows(backend: BackendStats): string[][] {
  const { name, up, inFlight, averageMs, endpoints } = backend;
  return [
    ...endpoints.map((endpoint) => [
      name,
      endpoint.endpoint,
      endpoint.state === "ready" ? endpoint.health : `${endpoint.state}, ${endpoint.health}`,
      String(endpoint.weight),
      String(endpoint.inFlight),
      endpoint.averageMs?.toFixed(1) ?? "-",
      ...trafficCells(endpoint),
    ]),
    [
      printable(name),
      "(all)",
      up ? "up" : "down",
      "",
      String(inFlight),
      averageMs?.toFixed(1) ?? "-",
      ...trafficCells(backend),
    ],
  ];
}

function trafficCells({ requests, requestsPerSecond, statuses }: Traffic): string[] {
  return [String(requests), requestsPerSecond.toFixed(1), ...statuses.slice(1).map(String)];
}
