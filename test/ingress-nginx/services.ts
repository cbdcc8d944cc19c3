// `test/e2e` of ingress-nginx, `servicebackend` and `endpointslices`: Services of all kinds, and those that have no endpoints.
import { core } from "./manifests.ts";
import { plain } from "./states.ts";
import { upstreamFile, type State, type UpstreamFile } from "./upstream-test.ts";

const longName = "long-name-foobar-foobar-foobar-foobar-foobar-bar-foo-bar-foobuz";

const endpointSlices = [
  upstreamFile("endpointslices/longname.go", {
    "should return 200 when service name has max allowed number of characters 63": plain(
      "longsvcname.foo.com",
      { ingresses: [{ service: longName }] },
    ),
  }),
  upstreamFile("endpointslices/topology.go", {
    "should return 200 when service has topology hints": plain("topology-svc.foo.com", { replicas: 2 }),
  }),
];

export const endpointsChange = [plain("foo.com"), plain("foo.com", { replicas: 2 })];
export const scaledDown = plain("scaling.foo.com", {
  ingresses: [{ service: "scaled" }],
  objects: [core("Service", "scaled", { spec: { ports: [{ port: 80 }] } }), noEndpoints("scaled")],
  see: [{ status: 503 }],
});

function noEndpoints(service: string): object {
  return {
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { name: service, labels: { "kubernetes.io/service-name": service } },
    addressType: "IPv4",
    ports: [{ port: 80 }],
    endpoints: [],
  };
}

const external = (fields: object, more: Partial<State> = {}): State =>
  plain("echo", {
    ingresses: [{ service: "external", annotations: { "upstream-vhost": "external.example" } }],
    objects: [core("Service", "external", { spec: { type: "ExternalName", ...fields } })],
    see: [],
    backend: { endpoints: [{ address: "localhost", port: 80, weight: 1 }] },
    ...more,
  });
const named = { externalName: "localhost", ports: [{ name: "echo", port: 80 }] };

const serviceBackends = [
  upstreamFile("servicebackend/service_backend.go", {
    "should return 503 when backend service does not exist": plain("nonexistent.svc.com", {
      ingresses: [{ service: "nonexistent-svc" }],
      missing: ["nonexistent-svc"],
      says: 'there is no Service "default/nonexistent-svc"',
      see: [{ status: 503 }],
    }),
    "should return 503 when all backend service endpoints are unavailable": plain("unavailable.svc.com", {
      ...scaledDown,
      host: "unavailable.svc.com",
    }),
  }),
  upstreamFile("servicebackend/service_externalname.go", {
    "works with external name set to incomplete fqdn": external({ externalName: "localhost" }),
    "should return 200 for service type=ExternalName without a port defined": external({
      externalName: "localhost",
    }),
    "should return 200 for service type=ExternalName with a port defined": external(named),
    "should return status 502 for service type=ExternalName with an invalid host": external(
      { externalName: "invalid.hostname" },
      { backend: { endpoints: [{ address: "invalid.hostname", port: 80, weight: 1 }] } },
    ),
    "should return 200 for service type=ExternalName using a port name": external(named, {
      ingresses: [{ service: "external", port: "echo" }],
    }),
    "should return 200 for service type=ExternalName using FQDN with trailing dot": external(
      { externalName: "localhost." },
      { backend: { endpoints: [{ address: "localhost.", port: 80, weight: 1 }] } },
    ),
    "should update the external name after a service update": [
      external(named),
      external(
        { ...named, externalName: "other.example" },
        { backend: { endpoints: [{ address: "other.example", port: 80, weight: 1 }] } },
      ),
    ],
    "should sync ingress on external name service addition/deletion": [
      plain("echo", {
        ingresses: [{ service: "external" }],
        missing: ["external"],
        says: 'there is no Service "default/external"',
        see: [{ status: 503 }],
      }),
      external(named),
    ],
  }),
  upstreamFile("servicebackend/service_nil_backend.go", {
    "should return 404 when backend service is nil": plain("valid.svc.com", {
      objects: [
        {
          apiVersion: "networking.k8s.io/v1",
          kind: "Ingress",
          metadata: { name: "nil" },
          spec: {
            rules: [
              {
                host: "nilbackend.svc.com",
                http: {
                  paths: [
                    {
                      path: "/",
                      pathType: "Prefix",
                      backend: {
                        resource: {
                          apiGroup: "otherobj.testingress.com",
                          kind: "Anything",
                          name: "mytest",
                        },
                      },
                    },
                  ],
                },
              },
            ],
          },
        },
      ],
      refused: "requests go to Services only",
      see: [{}, { ask: { host: "nilbackend.svc.com" }, status: 404 }],
    }),
  }),
  upstreamFile(
    "settings/disable_service_external_name.go",
    {},
    {
      "should ignore services of external-name type":
        "a flag of the controller: Services of this type are served",
    },
  ),
];

export const servicesFiles: readonly UpstreamFile[] = [...endpointSlices, ...serviceBackends];
