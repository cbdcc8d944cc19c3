// `isthmus endpoint`: what HAProxy's socket does with servers. State and weight at run time, apart from the configuration.
import { InvalidArgumentError, type Command } from "commander";
import {
  administrativeStateSchema,
  type AdministrativeState,
  type EndpointStanding,
} from "#contract/administration.ts";
import { CommandError } from "../command-error.ts";
import { contextFor, withTarget } from "../command-context.ts";
import { instant, printable, table } from "../table.ts";
import { wholeNumber } from "./arguments.ts";

interface SetFlags {
  readonly state?: AdministrativeState;
  readonly weight?: number | "configured";
  readonly reason: string;
}

export function addEndpoint(program: Command): void {
  const endpoint = program.command("endpoint").summary("state and weight of endpoints, at run time");
  withTarget(endpoint.command("set"))
    .argument("<backend>", "name of the backend")
    .argument("<endpoint>", "address and port, as `isthmus endpoint list` shows it")
    .summary("set an endpoint's state or weight; in force within a heartbeat, kept until set again")
    .option(
      "--state <state>",
      "ready, drain (no new clients; sessions go on) or maint (no requests at all)",
      stateArgument,
    )
    .option("--weight <n>", "in place of the configured weight; `configured` restores that", weightArgument)
    .option("--reason <text>", "why, for the audit log", "")
    .addHelpText(
      "after",
      "\nExamples:\n  isthmus endpoint set orders 10.0.0.7:8080 --state drain --reason 'disk is full'\n  isthmus endpoint set orders 10.0.0.7:8080 --state ready --weight configured",
    )
    .action(async (backend: string, id: string, flags: SetFlags, command: Command) => {
      const { state, weight, reason } = flags;
      if (state === undefined && weight === undefined) {
        throw new CommandError("invalid", "nothing to set: expected --state, --weight, or both");
      }
      const { client, printer } = await contextFor(command);
      const standing = await client.administer({
        backend,
        endpoint: id,
        reason,
        ...(state !== undefined && { state }),
        ...(weight !== undefined && { weight: weight === "configured" ? null : weight }),
      });
      printer.result(standing, `${backend} ${id}: ${standing.state}, weight ${weightText(standing)}`);
    });
  withTarget(endpoint.command("list"))
    .summary("list endpoints with state, weight and health")
    .option("--backend <name>", "of this backend only")
    .action(async ({ backend }: { backend?: string }, command: Command) => {
      const { client, printer } = await contextFor(command);
      const { endpoints } = await client.endpoints();
      const shown = endpoints.filter((one) => backend === undefined || one.backend === backend);
      printer.result(shown, listText(shown));
    });
}

function listText(endpoints: readonly EndpointStanding[]): string {
  const rows = endpoints.map((one) => [
    one.backend,
    one.endpoint,
    one.state,
    weightText(one),
    one.health,
    one.administered ? `${printable(one.administered.actor)}, ${instant(one.administered.atMs)}` : "",
    [one.administered?.reason ?? "", one.health === "unhealthy" ? one.healthReason : ""]
      .filter((reason) => reason !== "")
      .map(printable)
      .join("; "),
  ]);
  return table(
    ["backend", "endpoint", "state", "weight", "health", "set by", "reason"],
    rows,
    "no endpoints",
  );
}

function weightText({ weight, configuredWeight }: EndpointStanding): string {
  return weight === configuredWeight ? String(weight) : `${weight} (configured: ${configuredWeight})`;
}

/** HAProxy says `maint`. */
function stateArgument(text: string): AdministrativeState {
  const state = administrativeStateSchema.safeParse(text === "maint" ? "maintenance" : text);
  if (!state.success) throw new InvalidArgumentError("Expected ready, drain or maint.");
  return state.data;
}

function weightArgument(text: string): number | "configured" {
  return text === "configured" ? text : wholeNumber(0, 65_535)(text);
}
