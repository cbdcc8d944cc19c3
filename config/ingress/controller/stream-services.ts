// `tcp-services` and `udp-services`: ports of the controller whose connections go to a Service as they are.
import type { ConfigMap } from "../../kubernetes/core-kinds.ts";
import type { ImportContext } from "../../kubernetes/importer.ts";
import type { ListenerInput } from "../../kubernetes/model-parts.ts";
import { fieldOf } from "../../kubernetes/notes.ts";
import type { ObjectField } from "../../kubernetes/object.ts";
import { controllerConfigMaps, type Controller } from "./controller.ts";

/** Names that the documentation and the chart give them. */
const tcpName = /^(?:.+-)?(?:tcp-services|ingress-nginx-tcp)$/;
const udpName = /^(?:.+-)?(?:udp-services|ingress-nginx-udp)$/;

/** The first PROXY: clients are named in a header. The second: so they are to the Service. */
const entry = /^([a-z0-9-]+)\/([a-z0-9.-]+):([A-Za-z0-9-]+)(?::(PROXY|))?(?::(PROXY|))?$/i;

const ownPorts: ReadonlySet<number> = new Set([80, 443]);

interface StreamService {
  readonly listenerPort: number;
  readonly namespace: string;
  readonly service: string;
  readonly port: number | string;
  readonly isToldClient: boolean;
  readonly tellsClient: boolean;
  readonly field: ObjectField;
}

export function addStreamServices(
  controller: Controller,
  common: Pick<ListenerInput, "addresses">,
  context: ImportContext,
): void {
  const { set, notes } = context;
  for (const configMap of controllerConfigMaps(set, udpName, notes)) {
    for (const key of Object.keys(configMap.body.data ?? {})) {
      notes.add(fieldOf(configMap.object, "data", key), {
        code: "statement-unsupported",
        message: `UDP is not served, so nobody listens at port ${key}`,
        remedy: "Remove it, and let a load balancer of the network pass it on.",
      });
    }
  }
  const ports = new Set<number>();
  for (const configMap of controllerConfigMaps(set, tcpName, notes)) {
    for (const one of servicesOf(configMap, context)) {
      // Of one port the oldest ConfigMap has the say.
      if (ports.has(one.listenerPort)) continue;
      ports.add(one.listenerPort);
      addStreamService(one, controller, common, context);
    }
  }
}

function servicesOf({ body, object }: ConfigMap, { notes }: ImportContext): StreamService[] {
  return Object.entries(body.data ?? {}).flatMap(([key, value]) => {
    const field = fieldOf(object, "data", key);
    const invalid = (at: "key" | "value", message: string): [] => {
      notes.add(field, { code: "argument-invalid", at, message });
      return [];
    };
    const listenerPort = /^\d{1,5}$/.test(key) ? Number(key) : 0;
    if (listenerPort < 1 || listenerPort > 65_535)
      return invalid("key", `expected the number of a port; found ${JSON.stringify(key.slice(0, 80))}`);
    if (ownPorts.has(listenerPort)) return invalid("key", `port ${key} has the requests of Ingresses`);
    const [whole, namespace = "", service = "", port = "", reads, writes] = entry.exec(value.trim()) ?? [];
    if (whole === undefined)
      return invalid(
        "value",
        `expected NAMESPACE/SERVICE:PORT, and perhaps :PROXY; found ${JSON.stringify(value.slice(0, 80))}`,
      );
    const wanted = /^\d{1,5}$/.test(port) ? Number(port) : port;
    const isToldClient = Boolean(reads);
    return [
      { listenerPort, namespace, service, port: wanted, isToldClient, tellsClient: Boolean(writes), field },
    ];
  });
}

function addStreamService(
  { listenerPort, namespace, service, port, isToldClient, tellsClient, field }: StreamService,
  { settings }: Controller,
  common: Pick<ListenerInput, "addresses">,
  { services, parts, notes }: ImportContext,
): void {
  const found = services.find(namespace, service, port);
  const target = typeof found === "string" ? undefined : found;
  if (!target) {
    notes.add(field, {
      code: "backend-unresolved",
      message: `there is no Service ${JSON.stringify(`${namespace}/${service}`)} with port ${port}: connections are closed`,
    });
  }
  const trustedCIDRs = settings.networks("proxy-real-ip-cidr");
  const name = `ingress/tcp/${listenerPort}`;
  const backend = `ingress/${namespace}/${service}/${port}/tcp${tellsClient ? "/proxied" : ""}`;
  parts.addListener(
    {
      name,
      protocol: "TCP",
      port: listenerPort,
      ...common,
      ...(isToldClient && { proxyProtocol: trustedCIDRs.length > 0 ? { trustedCIDRs } : {} }),
    },
    field,
  );
  parts.addBackend(
    backend,
    () => ({
      name: backend,
      protocol: "TCP",
      ...(tellsClient && { proxyProtocol: { version: "V1" } }),
      endpoints: [...(target?.endpoints ?? [])],
      ...(target?.tunnel !== undefined && { tunnel: target.tunnel }),
    }),
    target?.service ? fieldOf(target.service.object, "spec") : field,
    {},
    target && { namespace, name: service, port: target.port },
  );
  parts.addTcpRoute({ name, listeners: [name], rules: [{ backendRefs: [{ name: backend }] }] }, field);
}
