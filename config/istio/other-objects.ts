// Objects of Istio that change nothing here, and what is lost by that.
import type { ImportContext } from "../kubernetes/importer.ts";
import type { Kind, Resource } from "../kubernetes/kind.ts";
import type { RuleUse } from "./backend/destinations.ts";
import { destinationRuleKind, type DestinationRule, type TrafficPolicy } from "./kinds/destination-rule.ts";
import {
  envoyFilterKind,
  proxyConfigKind,
  sidecarKind,
  telemetryKind,
  trafficExtensionKind,
  wasmPluginKind,
  workloadGroupKind,
} from "./kinds/others.ts";
import { serviceEntryKind, workloadEntryKind, type Workload } from "./kinds/service-entry.ts";
import { approximated, at, ignored, unsupported, type Place } from "../kubernetes/field-notes.ts";

export function noteOthers({ set, notes }: ImportContext): void {
  const each = (kind: Kind, say: (place: Place) => void): void => {
    for (const { object } of set.all(kind) as readonly Resource<unknown>[])
      say({ notes, object, path: ["kind"] });
  };
  each(envoyFilterKind, (place) =>
    unsupported(
      place,
      "changes to Envoy's own configuration can mean anything and are not read",
      "Say it in routes, filters and policies.",
    ),
  );
  for (const kind of [wasmPluginKind, trafficExtensionKind]) {
    each(kind, (place) =>
      unsupported(
        place,
        "plugins are not run, whatever they would have refused",
        "Say it in filters and policies.",
      ),
    );
  }
  each(sidecarKind, (place) =>
    ignored(place, "which hosts a workload's sidecar sees has no meaning for the gateway"),
  );
  each(telemetryKind, (place) =>
    ignored(place, "metrics, traces and access logs are the gateway's own", "See accessLog and tracing."),
  );
  each(proxyConfigKind, (place) => ignored(place, "it sets up Envoy's process"));
  each(workloadGroupKind, (place) => ignored(place, "it only says how WorkloadEntries come to be"));
}

/** What says how a mesh finds its way to endpoints, which the gateway dials by their addresses. */
export function noteWorkloads({ set, notes }: ImportContext): void {
  for (const { object, body } of set.all(workloadEntryKind))
    noteWorkload(body.spec, { notes, object, path: ["spec"] });
  for (const { object, body } of set.all(serviceEntryKind)) {
    const { endpoints = [], addresses = [], resolution } = body.spec;
    const place: Place = { notes, object, path: ["spec"] };
    for (const [index, endpoint] of endpoints.entries())
      noteWorkload(endpoint, at(place, "endpoints", index));
    if (addresses.length > 0 && (resolution !== "NONE" || endpoints.length > 0))
      ignored(
        at(place, "addresses"),
        "clients ask for the hosts; what is sent to these addresses does not come by",
      );
  }
}

function noteWorkload({ network, serviceAccount }: Workload, place: Place): void {
  if (network !== undefined) {
    const message = "the endpoint is dialled at its address, not by way of its network's gateway";
    approximated(at(place, "network"), message, "Annotate the Service with isthmus.dev/tunnel: NAME.");
  }
  if (serviceAccount !== undefined)
    ignored(at(place, "serviceAccount"), "who the endpoint is in the mesh is not asked");
}

/** A rule for a host that no route goes to would otherwise have no effect without a word, and so would its parts. */
export function noteUnusedRules(
  { set, notes }: ImportContext,
  used: ReadonlyMap<DestinationRule, RuleUse>,
): void {
  for (const rule of set.all(destinationRuleKind)) {
    const place: Place = { notes, object: rule.object, path: ["spec"] };
    const use = used.get(rule);
    if (use) {
      noteUnusedParts(rule, use, place);
      continue;
    }
    const { host, workloadSelector } = rule.body.spec;
    if (workloadSelector)
      ignored(at(place, "workloadSelector"), "rules for some clients alone have no effect");
    else ignored(at(place, "host"), `no route goes to ${JSON.stringify(host)}: the rule has no effect here`);
  }
}

function noteUnusedParts({ body }: DestinationRule, { subsets, ports }: RuleUse, place: Place): void {
  const { trafficPolicy, subsets: all = [] } = body.spec;
  noteUnusedPorts(trafficPolicy, ports, at(place, "trafficPolicy"));
  for (const [index, subset] of all.entries()) {
    const own = at(place, "subsets", index, "trafficPolicy");
    if (subsets.has(subset.name)) noteUnusedPorts(subset.trafficPolicy, ports, own);
    else if (subset.trafficPolicy)
      ignored(
        own,
        `no route goes to the subset ${JSON.stringify(subset.name)}: its policy has no effect here`,
      );
  }
}

function noteUnusedPorts(policy: TrafficPolicy | undefined, ports: ReadonlySet<number>, place: Place): void {
  for (const [index, { port }] of (policy?.portLevelSettings ?? []).entries()) {
    if (ports.has(port.number)) continue;
    const message = `no route goes to port ${port.number}: its settings have no effect here`;
    ignored(at(place, "portLevelSettings", index), message);
  }
}
