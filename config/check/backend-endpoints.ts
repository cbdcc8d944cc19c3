// Endpoints: addresses that are none, doubles, and backends that have nothing to send a request to.
import { speaksHttp2 } from "#contract/snapshot.ts";
import { endpointId, parseAddress } from "../native/address.ts";
import { beyondRuntime } from "../own-agent.ts";
import type { NativeBackend } from "../native/schema.ts";
import type { Path, Report } from "../report.ts";
import type { Check } from "./check.ts";

export const backendEndpoints: Check = (config, report) => {
  for (const [index, backend] of config.backends.entries()) {
    if (backend.endpoints.length === 0 || backend.endpoints.every(({ weight }) => weight === 0)) {
      const reason = backend.endpoints.length === 0 ? "has no endpoints" : "has only endpoints with weight 0";
      report.add({
        code: "backend-no-endpoints",
        path: ["backends", index, "endpoints"],
        message: `backend ${JSON.stringify(backend.name)} ${reason}; its requests are answered 503`,
        remedy: backend.tunnel
          ? "Add the addresses that the tunnel's agents shall dial."
          : "Add an endpoint.",
      });
    }
    checkAddresses(backend, index, report);
  }
};

export const healthCheckProtocols: Check = (config, report) => {
  for (const [index, { name, protocol, healthCheck }] of config.backends.entries()) {
    if (healthCheck.active?.type !== "GRPC" || speaksHttp2(protocol)) continue;
    report.add({
      code: "health-check-protocol",
      path: ["backends", index, "healthCheck", "active", "type"],
      message: `a check over gRPC needs HTTP/2, but backend ${JSON.stringify(name)} speaks ${protocol}`,
      remedy: "Set the backend's protocol to GRPC, GRPCS, H2 or H2C, or check it by HTTP or TCP.",
    });
  }
};

/** What requests meet is told to checks of the region. */
export const observedChecks: Check = (config, report) => {
  for (const [index, backend] of config.backends.entries()) {
    const { active, observe } = backend.healthCheck;
    if (!observe) continue;
    const isTunnelled = backend.tunnel !== undefined || beyondRuntime(backend) !== undefined;
    if (active && !isTunnelled) continue;
    report.add({
      code: "health-check-observe",
      path: ["backends", index, "healthCheck", "observe"],
      message: active
        ? `backend ${JSON.stringify(backend.name)} is checked by agents, which are not told of errors`
        : `backend ${JSON.stringify(backend.name)} has no active check that errors could count for`,
      remedy: "Use `passive`, which ejects endpoints because of their errors alone.",
    });
  }
};

/** Addresses that are checked in place of endpoints'. */
export const healthCheckAddresses: Check = (config, report) => {
  for (const [index, { endpoints, healthCheck }] of config.backends.entries()) {
    const { active } = healthCheck;
    const path = ["backends", index, "healthCheck", "active"];
    checkOverride(active?.overrides?.address, path, report);
    for (const [step, { overrides }] of (active?.next ?? []).entries())
      checkOverride(overrides?.address, [...path, "next", step], report);
    for (const [endpoint, { healthCheck: own }] of endpoints.entries()) {
      const place = ["backends", index, "endpoints", endpoint, "healthCheck"];
      checkOverride(own?.overrides?.address, place, report);
    }
  }
};

function checkOverride(address: string | undefined, path: Path, report: Report): void {
  if (address === undefined || parseAddress(address)) return;
  report.add({
    code: "endpoint-address-invalid",
    path: [...path, "overrides", "address"],
    message: `expected an IP address or a host name; found ${JSON.stringify(address)}`,
    remedy: remedyFor(address),
  });
}

function checkAddresses(backend: NativeBackend, backendIndex: number, report: Report): void {
  const seen = new Set<string>();
  for (const [index, { address, port }] of backend.endpoints.entries()) {
    const path = ["backends", backendIndex, "endpoints", index];
    const parsed = parseAddress(address);
    if (!parsed) {
      report.add({
        code: "endpoint-address-invalid",
        path: [...path, "address"],
        message: `expected an IP address or a host name; found ${JSON.stringify(address)}`,
        remedy: remedyFor(address),
      });
      continue;
    }
    const id = endpointId(parsed.canonical, port);
    if (seen.has(id)) {
      report.add({
        code: "endpoint-duplicate",
        path,
        message: `backend ${JSON.stringify(backend.name)} already has the endpoint ${id}`,
        remedy: "Remove it; a larger share is what weight is for.",
      });
    }
    seen.add(id);
  }
}

function remedyFor(address: string): string | undefined {
  if (address.includes("://")) return "Leave out the scheme; it is the backend's protocol.";
  if (address.includes("/")) return "Leave out the path; a URLRewrite filter can change the path.";
  if (/^[^:]+:[0-9]+$|^\[.*\]:[0-9]+$/.test(address)) return "Put the port into the field port.";
  if (address.includes("%"))
    return "Addresses with a zone are not supported; use a global or a unique local one.";
  if (address.startsWith("*")) return "An endpoint is one address; wildcards belong into hostnames.";
  return undefined;
}

/** Cloudflare's edge: no agent is there but the user's own. */
export const edgeTunnels: Check = (config, report) => {
  for (const [index, backend] of config.backends.entries()) {
    const reason = beyondRuntime(backend);
    if (reason === undefined) continue;
    report.add({
      code: "backend-tunnel-missing",
      path: ["backends", index],
      message: `backend ${JSON.stringify(backend.name)} ${reason}: on Cloudflare only agents can dial its endpoints`,
      remedy: "Set the backend's tunnel and run an agent that reaches the endpoints.",
    });
  }
};

/** Cloudflare's edge: a Worker cannot fetch a bare IP address, private or public. */
export const dialableEndpoints: Check = (config, report) => {
  for (const [backendIndex, backend] of config.backends.entries()) {
    if (backend.tunnel !== undefined) continue;
    for (const [index, { address }] of backend.endpoints.entries()) {
      if (parseAddress(address)?.kind !== "ip") continue;
      report.add({
        code: "endpoint-undialable",
        path: ["backends", backendIndex, "endpoints", index, "address"],
        message: `${address} cannot be dialled from Cloudflare's edge, which connects to public host names only`,
        remedy: "Set the backend's tunnel and run an agent beside it, or use a public host name.",
      });
    }
  }
};
