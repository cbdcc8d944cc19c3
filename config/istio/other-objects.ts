// Objects of Istio that change nothing here, and what is lost by that.
import type { ImportContext } from "../kubernetes/importer.ts";
import type { Kind, Resource } from "../kubernetes/kind.ts";
import { destinationRuleKind, type DestinationRule } from "./kinds/destination-rule.ts";
import {
  envoyFilterKind,
  proxyConfigKind,
  sidecarKind,
  telemetryKind,
  trafficExtensionKind,
  wasmPluginKind,
  workloadGroupKind,
} from "./kinds/others.ts";
import { at, ignored, unsupported, type Place } from "./notes.ts";

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

/** A rule for a host that no route goes to would otherwise have no effect without a word. */
export function noteUnusedRules({ set, notes }: ImportContext, used: ReadonlySet<DestinationRule>): void {
  for (const rule of set.all(destinationRuleKind)) {
    if (used.has(rule)) continue;
    const place: Place = { notes, object: rule.object, path: ["spec"] };
    const { host, workloadSelector } = rule.body.spec;
    if (workloadSelector)
      ignored(at(place, "workloadSelector"), "rules for some clients alone have no effect");
    else ignored(at(place, "host"), `no route goes to ${JSON.stringify(host)}: the rule has no effect here`);
  }
}
