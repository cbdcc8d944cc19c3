// PeerAuthentication: which workloads take mutual TLS alone. The gateway has no identity of the mesh; a tunnel has one of
// its own at both ends.
import type { ImportContext } from "../../kubernetes/importer.ts";
import type { Target } from "../backend/destinations.ts";
import { rootNamespace } from "../host.ts";
import { peerAuthenticationKind, type PeerAuthentication } from "../kinds/security.ts";
import { approximated } from "../../kubernetes/field-notes.ts";
import { holdsAtTarget, scopeOf } from "./scope.ts";

/** `targets`: every one that a route goes to. */
export function notePeers({ set, notes }: ImportContext, targets: readonly Target[]): void {
  const policies = [...set.all(peerAuthenticationKind)].sort((a, b) => reach(a) - reach(b));
  for (const target of targets) {
    if (!target.upstream || target.upstream.tunnel !== undefined) continue;
    const { host, port } = target.upstream;
    const path = strictness(policies, target, port);
    if (!path) continue;
    const message = `${host} takes connections with an identity of the mesh alone, and the gateway dials it in plain text`;
    const remedy = "Annotate the Service with isthmus.dev/tunnel: NAME, or allow PERMISSIVE.";
    approximated({ notes, ...path }, message, remedy);
  }
}

/** The narrowest policy decides, as far as it says anything: workload, namespace, mesh; the oldest of each. */
function reach({ namespace, body }: PeerAuthentication): number {
  if (body.spec?.selector) return 0;
  return namespace === rootNamespace ? 2 : 1;
}

function strictness(policies: readonly PeerAuthentication[], target: Target, port: number) {
  for (const { namespace, object, body } of policies) {
    const { mtls, portLevelMtls = {}, selector } = body.spec ?? {};
    if (holdsAtTarget(scopeOf(namespace, { selector }), target) === "none") continue;
    const own = portLevelMtls[String(port)]?.mode ?? "UNSET";
    const [mode, path] =
      own === "UNSET"
        ? [mtls?.mode ?? "UNSET", ["spec", "mtls", "mode"]]
        : [own, ["spec", "portLevelMtls", String(port), "mode"]];
    if (mode !== "UNSET") return mode === "STRICT" ? { object, path } : undefined;
  }
  return undefined;
}
