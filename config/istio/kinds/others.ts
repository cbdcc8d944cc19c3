// Kinds of which nothing is honoured: all that is said of them is that they have no effect.
import { z } from "zod";
import { defineKind } from "../../kubernetes/kind.ts";
import { networkingVersions } from "./values.ts";

function bare(group: string, versions: readonly string[], kind: string) {
  return defineKind({ group, versions, kind, namespaced: true, body: z.looseObject({}) });
}

export const envoyFilterKind = bare("networking.istio.io", ["v1alpha3"], "EnvoyFilter");
export const wasmPluginKind = bare("extensions.istio.io", ["v1alpha1"], "WasmPlugin");
export const trafficExtensionKind = bare("extensions.istio.io", ["v1alpha1"], "TrafficExtension");
export const sidecarKind = bare("networking.istio.io", networkingVersions, "Sidecar");
export const workloadGroupKind = bare("networking.istio.io", networkingVersions, "WorkloadGroup");
export const proxyConfigKind = bare("networking.istio.io", ["v1beta1"], "ProxyConfig");
export const telemetryKind = bare("telemetry.istio.io", ["v1", "v1alpha1"], "Telemetry");
