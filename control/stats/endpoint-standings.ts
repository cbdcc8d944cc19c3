// The endpoints of a snapshot with what operators and health checks say of them. Pure.
import type { Status } from "#contract/admin.ts";
import type { AdministeredEndpoint, EndpointStanding } from "#contract/administration.ts";
import { type Snapshot, endpointKey } from "#contract/snapshot.ts";

type Region = Status["regions"][number];
type Verdict = Region["endpoints"][number];
type Health = Pick<EndpointStanding, "health" | "healthReason" | "healthSinceMs">;

/** In the order of the snapshot. */
export function endpointStandings(
  snapshot: Snapshot,
  regions: readonly Region[],
  administered: readonly AdministeredEndpoint[],
): EndpointStanding[] {
  const said = new Map(administered.map((entry) => [endpointKey(entry.backend, entry.endpoint), entry]));
  const verdicts = verdictsByKey(regions);
  return snapshot.backends.flatMap((backend) =>
    backend.endpoints.map(({ id, weight }): EndpointStanding => {
      const key = endpointKey(backend.name, id);
      const entry = said.get(key);
      return {
        backend: backend.name,
        endpoint: id,
        ...(backend.tunnel !== undefined && { tunnel: backend.tunnel }),
        state: entry?.state ?? "ready",
        weight: entry?.weight ?? weight,
        configuredWeight: weight,
        ...healthOf(verdicts.get(key) ?? [], regions.length),
        ...(entry && { administered: { actor: entry.actor, reason: entry.reason, atMs: entry.atMs } }),
      };
    }),
  );
}

interface RegionalVerdict extends Verdict {
  readonly region: string;
}

function verdictsByKey(regions: readonly Region[]): Map<string, RegionalVerdict[]> {
  const verdicts = new Map<string, RegionalVerdict[]>();
  for (const { region, endpoints } of regions) {
    for (const verdict of endpoints) {
      const known = verdicts.get(verdict.key);
      if (known) known.push({ ...verdict, region });
      else verdicts.set(verdict.key, [{ ...verdict, region }]);
    }
  }
  return verdicts;
}

/** Each region decides for its own gateways; in sum an endpoint is unhealthy when every region that checks it says so. */
function healthOf(verdicts: readonly RegionalVerdict[], regionCount: number): Health {
  const [first] = verdicts;
  if (!first) return { health: "unchecked", healthReason: "" };
  const failing = verdicts.filter(({ healthy }) => !healthy);
  const health = failing.length === verdicts.length ? "unhealthy" : "healthy";
  const telling = failing[0] ?? first;
  const where =
    regionCount > 1 && failing.length > 0 && failing.length < verdicts.length
      ? `unhealthy in ${failing.map(({ region }) => region).join(", ")}: `
      : "";
  return { health, healthReason: where + telling.reason, healthSinceMs: telling.sinceMs };
}
