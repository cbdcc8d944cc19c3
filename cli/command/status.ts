// `isthmus status`: what is current, and who runs it.
import type { Command } from "commander";
import type { Status } from "#contract/admin.ts";
import { contextFor, withTarget } from "../command-context.ts";
import { instant, printable, span, table } from "../table.ts";

export function addStatus(program: Command): void {
  withTarget(program.command("status"))
    .summary("show the current version, gateways, agents, endpoints and counters")
    .addHelpText("after", "\nExamples:\n  isthmus status\n  isthmus status --json | jq '.regions[].agents'")
    .action(async (_flags: object, command: Command) => {
      const { client, printer } = await contextFor(command);
      const status = await client.status();
      printer.result(status, statusText(status, Date.now()));
    });
}

type Region = Status["regions"][number];

/** `nowMs` is for the ages. */
export function statusText({ current, regions }: Status, nowMs: number): string {
  const head = current
    ? `version ${current.version} by ${printable(current.author)}, ${instant(current.createdAtMs)}${current.reason && ` (${printable(current.reason)})`}`
    : "no version was published yet";
  if (regions.length === 0) return `${head}\nno gateway has reported yet`;
  return [head, ...regions.map((region) => regionText(region, nowMs))].join("\n\n");
}

function regionText(region: Region, nowMs: number): string {
  const ago = (ms: number): string => `${span(nowMs - ms)} ago`;
  const sections = [
    `region ${printable(region.region)}: version ${region.snapshotVersion}, last heard of ${ago(region.lastSyncMs)}`,
    table(
      ["gateway", "version", "last sync"],
      region.gateways.map(({ gateway, snapshotVersion, lastSyncMs }) => [
        gateway,
        String(snapshotVersion),
        ago(lastSyncMs),
      ]),
      "no gateways",
    ),
    table(
      ["agent", "tunnel", "hub", "version", "streams", "certificate", "connected"],
      region.agents.map((agent) => [
        printable(agent.instance),
        agent.tunnel,
        String(agent.shard),
        String(agent.configVersion),
        String(agent.streams),
        `${span(agent.certificateNotAfterMs - nowMs)} left`,
        `${ago(agent.connectedAtMs)}${agent.draining ? ", draining" : ""}`,
      ]),
      "no agents",
    ),
    table(
      ["endpoint", "health", "since", "checked by", "reason"],
      region.endpoints.map(({ key, healthy, sinceMs, source, reason }) => [
        key,
        healthy ? "healthy" : "unhealthy",
        ago(sinceMs),
        source,
        printable(reason),
      ]),
      "no endpoint is checked",
    ),
    table(
      ["counter", "total"],
      Object.entries(region.counters)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, total]) => [printable(name), String(total)]),
      "no counters",
    ),
  ];
  return sections.join("\n\n");
}
