// What the conformance tests have in common: a namespace of their own with a Gateway and the Services of the suite's base
// manifests, and requests to it.
import { ask, type Answer, type Ask } from "../system/http.ts";
import type { KeyPairPem, TlsWorld } from "./tls-world.ts";
import { startEchoServer, type Echo, type EchoServer } from "../system/echo-server.ts";

/** Pods of all tests: what they have received, and how they misbehave when a request says so. */
export interface Pods {
  /** Ports by the name of the Service. */
  readonly ports: ReadonlyMap<string, number>;
  /** Targets that a pod has seen. */
  seen(service: string): readonly string[];
  stop(): Promise<void>;
}

export const services = ["infra-backend-v1", "infra-backend-v2", "infra-backend-v3"] as const;

/**
 * `?delay=MS` answers late, every time or, with `once=ID`, the first time; `?fail=N&status=S&id=ID` answers the first N
 * requests of that id with the status.
 */
export async function startPods(): Promise<Pods> {
  const servers = new Map<string, EchoServer>();
  const seen = new Map<string, string[]>();
  const counts = new Map<string, number>();
  const countOf = (id: string): number => {
    const count = (counts.get(id) ?? 0) + 1;
    counts.set(id, count);
    return count;
  };
  for (const name of services) {
    seen.set(name, []);
    servers.set(
      name,
      await startEchoServer(name, (request, response) => {
        const url = new URL(request.url ?? "/", "http://pod");
        seen.get(name)!.push(request.url ?? "");
        const { delay, once, fail, status, id } = Object.fromEntries(url.searchParams);
        if (fail !== undefined && countOf(id!) <= Number(fail)) {
          response.writeHead(Number(status ?? 500)).end();
          return true;
        }
        if (delay === undefined || (once !== undefined && countOf(once) > 1)) return false;
        const timer = setTimeout(() => response.end(JSON.stringify({ name })), Number(delay));
        response.once("close", () => clearTimeout(timer));
        return true;
      }),
    );
  }
  return {
    ports: new Map([...servers].map(([name, { port }]) => [name, port])),
    seen: (service) => seen.get(service) ?? [],
    stop: async () => void (await Promise.all([...servers.values()].map((server) => server.stop()))),
  };
}

export interface World {
  /** The test's own. */
  readonly namespace: string;
  /** Ports of this machine by the name that the test gives them. */
  readonly ports: Readonly<Record<string, number>>;
  readonly pods: Pods;
  /** Ports of the gRPC pods by name. */
  readonly grpcPorts: ReadonlyMap<string, number>;
  /** A port at which nothing answers. */
  readonly closedPort: number;
  readonly certificate: KeyPairPem;
  readonly tls: TlsWorld;
}

/** A Gateway `gw`, each listener on a port of its own unless it says otherwise. */
export function gateway({ namespace }: Pick<World, "namespace">, listeners: string, name = "gw"): string {
  return `---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  gatewayClassName: isthmus
  listeners:
${indent(listeners, 4)}
`;
}

export function route(
  { namespace }: Pick<World, "namespace">,
  name: string,
  spec: string,
  kind = "HTTPRoute",
  generation = 1,
): string {
  return `---
apiVersion: gateway.networking.k8s.io/v1
kind: ${kind}
metadata: { name: ${name}, namespace: ${namespace}, generation: ${generation} }
spec:
${indent(spec, 2)}
`;
}

/** A Service of a namespace with one ready endpoint on this machine. */
export function service(
  namespace: string,
  name: string,
  ports: readonly number[],
  { appProtocol = "", clusterIP = "" } = {},
): string {
  return `---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace} }
spec:
  ${clusterIP && `clusterIP: ${clusterIP}`}
  ports: [{ port: 8080${appProtocol && `, appProtocol: ${appProtocol}`} }]
${ports.map((port, index) => slice(namespace, name, index, port)).join("")}`;
}

function slice(namespace: string, name: string, index: number, port: number): string {
  return `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-${index}, namespace: ${namespace}, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ port: ${port} }]
endpoints: [{ addresses: [127.0.0.1] }]
`;
}

export function secret(
  namespace: string,
  name: string,
  { certificate }: { readonly certificate: KeyPairPem },
): string {
  const data = { "tls.crt": certificate.cert, "tls.key": certificate.key };
  return `---
apiVersion: v1
kind: Secret
metadata: { name: ${name}, namespace: ${namespace} }
type: kubernetes.io/tls
stringData: ${JSON.stringify(data)}
`;
}

/** Authorities, as `ca.crt` of a ConfigMap. */
export function authorities(namespace: string, name: string, pem: string): string {
  return `---
apiVersion: v1
kind: ConfigMap
metadata: { name: ${name}, namespace: ${namespace} }
data: ${JSON.stringify({ "ca.crt": pem })}
`;
}

/** Objects of kind `from` may name `to`, a kind and a name, in the namespace `…-web`. */
export function referenceGrant({ namespace }: World, from: string, to: string): string {
  return `---
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: { name: g, namespace: ${namespace}-web }
spec:
  from: [{ group: gateway.networking.k8s.io, kind: ${from}, namespace: ${namespace} }]
  to: [{ group: "", ${to} }]
`;
}

/** The base manifests' Services. */
export function baseServices({ namespace, pods }: World): string {
  return services.map((name) => service(namespace, name, [pods.ports.get(name)!])).join("");
}

export function indent(text: string, columns: number): string {
  return text
    .trim()
    .split("\n")
    .map((line) => " ".repeat(columns) + line)
    .join("\n");
}

/** `200 infra-backend-v1`, `404`, `302 http://…`: what a client gets. */
export async function get(port: number, host: string, path = "/", rest: Partial<Ask> = {}): Promise<string> {
  return textOf(await ask({ port, host, path, ...rest }));
}

export function textOf({ status, headers, body }: Answer): string {
  if (headers.location !== undefined) return `${status} ${headers.location}`;
  return status === 200 ? `200 ${(JSON.parse(body) as Echo).name}` : String(status);
}

export async function echoOf(
  port: number,
  host: string,
  path: string,
  rest: Partial<Ask> = {},
): Promise<Echo> {
  return JSON.parse((await ask({ port, host, path, ...rest })).body) as Echo;
}

/** Over TLS with a server name that need not be that of the request, and perhaps a certificate of the client's own. */
export function getOverTls(
  port: number,
  servername: string,
  host: string,
  path: string,
  client?: KeyPairPem,
): Promise<string> {
  return get(port, host, path, { tls: { servername, ...client } });
}

/** Answers by how often they came, of so many requests, ten of them at a time. */
export async function countAnswers(times: number, ask: () => Promise<string>): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (let asked = 0; asked < times; asked += 10) {
    const batch = Array.from({ length: Math.min(10, times - asked) }, ask);
    for (const answer of await Promise.all(batch)) counts.set(answer, (counts.get(answer) ?? 0) + 1);
  }
  return counts;
}
