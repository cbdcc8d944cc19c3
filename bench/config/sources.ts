// The same routes in each format that is read: a host and a path each, to one of 100 services.

export type SourceFormat = "native-json" | "native-yaml" | "http-route" | "ingress" | "istio" | "haproxy";

const serviceCount = 100;
/** Paths of one Ingress. */
const pathsPerIngress = 100;

const each = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const hostOf = (index: number): string => `host-${index}.example.com`;
const pathOf = (index: number): string => `/service/${index % 7}`;
const serviceOf = (index: number): string => `service-${index % serviceCount}`;
const addressOf = (index: number): string => `10.0.0.${(index % serviceCount) + 1}`;

export const sourceFormats: Readonly<
  Record<SourceFormat, { file: string; make: (routes: number) => string }>
> = {
  "native-json": { file: "isthmus.json", make: (routes) => JSON.stringify(nativeConfig(routes), null, 2) },
  "native-yaml": { file: "isthmus.yaml", make: nativeYaml },
  "http-route": { file: "http-routes.yaml", make: (routes) => manifests(gateway, each(routes, httpRoute)) },
  ingress: {
    file: "ingresses.yaml",
    make: (routes) => manifests("", each(Math.ceil(routes / pathsPerIngress), ingress)),
  },
  istio: {
    file: "virtual-services.yaml",
    make: (routes) => manifests(istioGateway, each(routes, virtualService)),
  },
  haproxy: { file: "haproxy.cfg", make: haproxyConfig },
};

function nativeConfig(routes: number): object {
  return {
    listeners: [{ name: "web", protocol: "HTTP", port: 8080 }],
    routes: each(routes, (index) => ({
      name: `route-${index}`,
      hostnames: [hostOf(index)],
      rules: [
        {
          matches: [{ path: { type: "PathPrefix", value: pathOf(index) } }],
          backendRefs: [{ name: serviceOf(index) }],
        },
      ],
    })),
    backends: each(serviceCount, (index) => ({
      name: serviceOf(index),
      endpoints: [{ address: addressOf(index), port: 8080 }],
    })),
  };
}

function nativeYaml(routes: number): string {
  const route = (index: number): string => `  - name: route-${index}
    hostnames: [${hostOf(index)}]
    rules:
      - matches: [{ path: { type: PathPrefix, value: ${pathOf(index)} } }]
        backendRefs: [{ name: ${serviceOf(index)} }]
`;
  const backend = (index: number): string => `  - name: ${serviceOf(index)}
    endpoints: [{ address: ${addressOf(index)}, port: 8080 }]
`;
  return `listeners:
  - { name: web, protocol: HTTP, port: 8080 }
routes:
${each(routes, route).join("")}backends:
${each(serviceCount, backend).join("")}`;
}

function manifests(before: string, objects: readonly string[]): string {
  return [before, ...objects, ...each(serviceCount, service)].filter((text) => text !== "").join("---\n");
}

const service = (index: number): string => `apiVersion: v1
kind: Service
metadata:
  name: ${serviceOf(index)}
spec:
  ports:
    - port: 80
      targetPort: 8080
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: ${serviceOf(index)}-a
  labels:
    kubernetes.io/service-name: ${serviceOf(index)}
addressType: IPv4
ports:
  - port: 8080
endpoints:
  - addresses: [${addressOf(index)}]
`;

const gateway = `apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata:
  name: isthmus
spec:
  controllerName: isthmus.dev/gateway-controller
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: edge
spec:
  gatewayClassName: isthmus
  listeners:
    - name: web
      protocol: HTTP
      port: 8080
`;

const httpRoute = (index: number): string => `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: route-${index}
spec:
  parentRefs:
    - name: edge
  hostnames:
    - ${hostOf(index)}
  rules:
    - matches:
        - path:
            type: PathPrefix
            value: ${pathOf(index)}
      backendRefs:
        - name: ${serviceOf(index)}
          port: 80
`;

function ingress(index: number): string {
  const path = (at: number): string => `          - path: /service/${at}
            pathType: Prefix
            backend:
              service:
                name: ${serviceOf(at)}
                port:
                  number: 80
`;
  return `apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: ingress-${index}
spec:
  ingressClassName: nginx
  rules:
    - host: ${hostOf(index)}
      http:
        paths:
${each(pathsPerIngress, path).join("")}`;
}

const istioGateway = `apiVersion: networking.istio.io/v1
kind: Gateway
metadata:
  name: edge
spec:
  selector:
    istio: ingressgateway
  servers:
    - port:
        number: 8080
        name: http
        protocol: HTTP
      hosts:
        - "*"
`;

const virtualService = (index: number): string => `apiVersion: networking.istio.io/v1
kind: VirtualService
metadata:
  name: route-${index}
spec:
  hosts:
    - ${hostOf(index)}
  gateways:
    - edge
  http:
    - match:
        - uri:
            prefix: ${pathOf(index)}
      route:
        - destination:
            host: ${serviceOf(index)}
            port:
              number: 80
`;

function haproxyConfig(routes: number): string {
  const rule = (index: number): string =>
    `  use_backend ${serviceOf(index)} if { hdr(host) -i ${hostOf(index)} } { path_beg ${pathOf(index)} }\n`;
  const backend = (index: number): string => `backend ${serviceOf(index)}
  server one ${addressOf(index)}:8080
`;
  return `defaults
  mode http
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend web
  bind :8080
${each(routes, rule).join("")}${each(serviceCount, backend).join("")}`;
}
