// Host names as Istio's objects write them: short names, namespaces in front, wildcards.

/** Namespace in which objects hold for the whole mesh (`meshConfig.rootNamespace`), and where its gateways run by default. */
export const rootNamespace = "istio-system";

/** Where Istio's documentation installs gateways by Helm. */
export const ingressNamespace = "istio-ingress";

/** The Pods of Istio's own ingress gateway, as its charts label them: Ingresses of class `istio` are theirs. */
export const ingressGateway = {
  namespace: rootNamespace,
  labels: { app: "istio-ingressgateway", istio: "ingressgateway" },
} as const;

const clusterDomain = ".svc.cluster.local";

/** Short names are those of Services in the object's namespace; whatever has a dot stands for itself. */
export function fullHost(host: string, namespace: string): string {
  const name = host.toLowerCase();
  return name.includes(".") || name === "*" ? name : serviceHost(name, namespace);
}

export function serviceHost(name: string, namespace: string): string {
  return `${name}.${namespace}${clusterDomain}`;
}

/** The Service that a full name stands for. */
export function serviceOf(host: string): { readonly name: string; readonly namespace: string } | undefined {
  if (!host.endsWith(clusterDomain)) return undefined;
  const [name, namespace, ...rest] = host.slice(0, -clusterDomain.length).split(".");
  return name && namespace && name !== "*" && rest.length === 0 ? { name, namespace } : undefined;
}

/** `ns/name`, `name`, `./name`, or the old `name.ns.svc.cluster.local` → `ns/name`; `mesh` stays. */
export function gatewayId(gateway: string, namespace: string): string {
  if (gateway === "mesh") return gateway;
  if (gateway.startsWith("./")) return `${namespace}/${gateway.slice(2)}`;
  if (gateway.includes("/")) return gateway;
  const [name, other] = gateway.split(".");
  return `${other ?? namespace}/${name}`;
}

/** Whether the pattern (`*`, `*.example.com`, or a name) takes every host of `host`. */
export function covers(pattern: string, host: string): boolean {
  if (pattern === "*" || pattern === host) return true;
  return pattern.startsWith("*") && host.endsWith(pattern.slice(1)) && host.length >= pattern.length;
}

/** Hosts that both lists have: of each pair the narrower one. */
export function commonHosts(a: readonly string[], b: readonly string[]): string[] {
  const common = a.flatMap((one) =>
    b.flatMap((other) => (covers(other, one) ? [one] : covers(one, other) ? [other] : [])),
  );
  return [...new Set(common)];
}

/** Hosts of a Gateway's server for routes of a namespace: `host`, `ns/host`, `./host` or `* /host` without the space. */
export function serverHosts(hosts: readonly string[], gatewayNamespace: string, namespace: string): string[] {
  return hosts.flatMap((entry) => {
    const [scope, host] = entry.includes("/") ? (entry.split("/", 2) as [string, string]) : ["*", entry];
    const owner = scope === "." ? gatewayNamespace : scope;
    return owner === "*" || owner === namespace ? [host.toLowerCase()] : [];
  });
}

/** Whether an object is for clients of a namespace. `defaults`: for objects without `exportTo`; none: for all. */
export function isExportedTo(
  exportTo: readonly string[] | undefined,
  namespace: string,
  client: string,
  defaults: readonly string[] = [],
): boolean {
  const own = exportTo?.length ? exportTo : defaults;
  if (own.length === 0) return true;
  return own.some((entry) => entry === "*" || (entry === "." ? namespace : entry) === client);
}
