// Fields of Envoy Gateway's kinds that are known and not honoured, and what is lost with each. What decides where traffic goes
// or who may pass is an error; nothing is left out silently (`unread-fields.test.ts` holds this to every field there is).
import { fieldOf, type Notes } from "../kubernetes/notes.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import type { Path } from "../report.ts";
import type { DiagnosticCode } from "../diagnostic-code.ts";

interface Loss {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly remedy?: string | undefined;
}

const ignored = (message: string, remedy?: string): Loss => ({ code: "statement-ignored", message, remedy });
const approximated = (message: string): Loss => ({ code: "statement-approximated", message });
const unsupported = (message: string, remedy: string): Loss => ({
  code: "statement-unsupported",
  message,
  remedy,
});

const tlsOfEndpoints = ignored("TLS to endpoints is what Node.js offers by default: versions 1.2 and 1.3");
const buffers = ignored("buffers are bounded by flow control, not by this size");
const keepalive = ignored("connections are kept alive as the runtime does");
const encoder = ignored("the encoder's settings besides its level are the gateway's own");
const encoderSettings = [
  ...["chunkSize", "compressionStrategy", "memoryLevel", "windowBits"].map((name) => `gzip.${name}`),
  ...["chunkSize", "disableLiteralContextModeling", "encoderMode", "inputBlockBits", "windowBits"].map(
    (name) => `brotli.${name}`,
  ),
  ...["chunkSize", "enableChecksum", "strategy"].map((name) => `zstd.${name}`),
];
const http2Settings = ignored("the HTTP/2 settings are the gateway's own");
const tlsOfClients = ignored("TLS with clients is what Node.js offers by default: versions 1.2 and 1.3");
const identified = unsupported(
  "certificates are not compared with this, so that others would be let in",
  "Trust an authority that issues certificates to these clients alone, or write it into a native clientCertificate policy.",
);

/** `a.b[].c`: c of every item of b. A field stands for all below it. */
export const lossesByKind: Readonly<Record<string, Readonly<Record<string, Loss>>>> = {
  BackendTrafficPolicy: {
    admissionControl: ignored(
      "requests are not refused by the success rate",
      "Set loadShedding of a native backend.",
    ),
    bandwidthLimit: ignored("nothing bounds the bytes per second"),
    ...Object.fromEntries(
      ["compression", "compressor"].flatMap((field) =>
        encoderSettings.map((name) => [`${field}[].${name}`, encoder]),
      ),
    ),
    connection: buffers,
    dns: ignored("names are resolved as the system does"),
    http2: http2Settings,
    httpUpgrade: ignored("WebSocket upgrades pass, no others do"),
    routingType: ignored(
      "EndpointSlices decide: where there are some requests go to endpoints, else to the Service's name",
    ),
    tcpKeepalive: keepalive,
    telemetry: ignored("what is counted and traced is the same for all routes"),
    useClientProtocol: ignored("the protocol to endpoints is that of the Service's appProtocol"),
    "loadBalancer.backendUtilization": ignored("endpoints are not asked for their load"),
    "loadBalancer.dynamicModule": unsupported(
      "no module of Envoy picks endpoints here",
      "Choose another type.",
    ),
    "loadBalancer.endpointOverride": unsupported(
      "a header does not pick the endpoint",
      "Use sessionPersistence of the route, or type ConsistentHash.",
    ),
    "loadBalancer.consistentHash.tableSize": ignored("the hash ring has a size of its own"),
    "loadBalancer.consistentHash.cookie.attributes": ignored(
      "the cookie has Path=/ and HttpOnly, and no other attributes",
    ),
    "loadBalancer.zoneAware.preferLocal.force": ignored(
      "the local zone is preferred as far as its endpoints are enough",
    ),
    "loadBalancer.zoneAware.preferLocal.percentageEnabled": ignored(
      "the local zone is preferred for all requests",
    ),
    "loadBalancer.zoneAware.weightedZones": ignored(
      "zones have no weights",
      "Give endpoints weights in a native backend.",
    ),
    "healthCheck.active.initialJitter": ignored("first checks are spread by the gateway itself"),
    "healthCheck.active.healthCheckLog": ignored("checks are shown by `isthmus status`, not in a file"),
    "healthCheck.active.http.requestBody": ignored("checks have no body"),
    "healthCheck.active.http.retriableStatuses": ignored("each failed check counts"),
    "healthCheck.active.http.expectedResponse.binary": ignored("only text is looked for in the body"),
    "healthCheck.passive.alwaysEjectOneEndpoint": ignored(
      "one of two or more endpoints may always be ejected",
    ),
    "circuitBreaker.maxRequestsPerConnection": ignored("connections are used as long as they last"),
    "circuitBreaker.perEndpoint": ignored("the bounds are those of the backend, not of one endpoint"),
    "circuitBreaker.retryBudget.minRetryConcurrency": ignored(
      "retries that are always allowed are counted per second: 10",
    ),
    "retry.numAttemptsPerPriority": ignored("each attempt picks its endpoint anew"),
    "timeout.http.connectionIdleTimeout": ignored("idle connections are closed by the runtime"),
    "timeout.http.maxConnectionDuration": ignored("connections are used as long as they last"),
    ...Object.fromEntries(
      ["global", "local"].flatMap((scope) => {
        const rules = `rateLimit.${scope}.rules[]`;
        return [
          [
            `${rules}.limit.fromMetadata`,
            unsupported("a limit is not read from Envoy's metadata", "Write the limit itself."),
          ],
          [
            `${rules}.cost.request.metadata`,
            unsupported("the cost is not read from Envoy's metadata", "Write the number itself."),
          ],
          [
            `${rules}.cost.response`,
            unsupported("what a response costs is not counted", "Count requests: cost.request."),
          ],
          [`${rules}.xRateLimitHeaders`, ignored("clients are told in RateLimit and RateLimit-Policy")],
        ];
      }),
    ),
    "responseOverride[].match.responseHeaders": unsupported(
      "responses are told apart by their status, not by headers",
      "Match by statusCodes.",
    ),
    "responseOverride[].redirect.path.replacePrefixMatch": unsupported(
      "a part of the path is not replaced",
      "Write the whole path: replaceFullPath.",
    ),
    "responseOverride[].response.header.remove": ignored("no headers are taken away from the page"),
  },
  ClientTrafficPolicy: {
    "connection.bufferLimit": buffers,
    "connection.socketBufferLimit": buffers,
    "connection.maxAcceptPerSocketEvent": ignored("connections are accepted as they come"),
    "connection.connectionLimit.closeDelay": ignored("connections beyond the limit are closed at once"),
    "connection.connectionLimit.maxConnectionDuration": ignored("connections last as long as they are used"),
    "connection.connectionLimit.maxRequestsPerConnection": ignored(
      "requests of a connection are not counted",
    ),
    "connection.connectionLimit.maxStreamDuration": ignored(
      "exchanges of a listener have no time of their own",
      "Set timeout.http.maxStreamDuration of a BackendTrafficPolicy.",
    ),
    grpc: ignored("gRPC-Web is translated wherever the backend speaks gRPC"),
    http1: ignored("HTTP/1 is read as RFC 9112 has it: 1.0 needs a Host, names of headers are in lower case"),
    http2: http2Settings,
    http3: ignored(
      "HTTP/3 is not served; clients stay with HTTP/2",
      "Let an edge in front of the gateway speak it.",
    ),
    scheme: ignored("X-Forwarded-Proto says what the client used"),
    tcpKeepalive: keepalive,
    "clientIPDetection.customHeader": unsupported(
      "the client's address is not read from a header of its own name",
      "Have the proxy in front write X-Forwarded-For, and use xForwardedFor.",
    ),
    "clientIPDetection.xForwardedFor.disableXForwardedForAppend": ignored(
      "the peer is always added to X-Forwarded-For",
    ),
    "timeout.tcp": ignored("connections end after an hour without a byte"),
    "timeout.http.idleTimeout": ignored("idle connections of clients are closed by the runtime"),
    "timeout.http.requestHeadersReceivedTimeout": ignored("a request's head may take 15s"),
    "headers.enableEnvoyHeaders": ignored("there are no headers of Envoy"),
    "headers.host": ignored("the final dot of a Host is left out for matching and stays in the header"),
    "headers.withUnderscoresAction": ignored("headers with underscores pass as they are"),
    "headers.xForwardedClientCert": ignored(
      "X-Forwarded-Client-Cert is not written",
      "Set forwardClientCertificate of a native listener: endpoints get Client-Cert (RFC 9440).",
    ),
    ...Object.fromEntries(
      ["earlyRequestHeaders", "lateResponseHeaders"].flatMap((changes) => [
        [
          `headers.${changes}.addIfAbsent`,
          ignored("headers are not added by what is there", "Use set or add."),
        ],
        [
          `headers.${changes}.removeOnMatch`,
          ignored("headers are not removed by a pattern", "Name them in remove."),
        ],
      ]),
    ),
    "path.disableMergeSlashes": ignored(
      "slashes that follow each other are one for matching, and stay in the request",
    ),
    "tls.alpnProtocols": ignored("clients choose between HTTP/2 and HTTP/1.1"),
    "tls.ciphers": tlsOfClients,
    "tls.ecdhCurves": tlsOfClients,
    "tls.fingerprints": ignored("fingerprints of clients are not taken"),
    "tls.session": ignored("sessions are resumed as Node.js does"),
    "tls.signatureAlgorithms": tlsOfClients,
    "tls.clientValidation.allowExpiredCertificate": unsupported(
      "expired certificates are refused",
      "Renew them.",
    ),
    "tls.clientValidation.certificateHashes": identified,
    "tls.clientValidation.spkiHashes": identified,
    "tls.clientValidation.subjectAltNames": identified,
    "tls.clientValidation.crl.onlyVerifyLeafCertificate": approximated(
      "every certificate of the chain is looked for in the lists",
    ),
  },
  SecurityPolicy: {
    csrf: unsupported(
      "the origin of requests is not checked",
      "Write a rule that refuses them by the Origin header.",
    ),
    oidc: unsupported(
      "the gateway does not sign users in",
      "Run an authenticating proxy such as oauth2-proxy, and ask it with extAuth.http.",
    ),
    "jwt.failOpen": unsupported(
      "a bad token is never let through",
      "Use optional: requests without a token pass.",
    ),
    "jwt.providers[].recomputeRoute": ignored(
      "headers from claims do not change which route a request takes",
    ),
    "jwt.providers[].remoteJWKS.backendRef": approximated("the keys are fetched from uri itself"),
    "jwt.providers[].remoteJWKS.backendRefs": approximated("the keys are fetched from uri itself"),
    "jwt.providers[].remoteJWKS.backendSettings": ignored(
      "keys are fetched, and tried again, as the gateway does",
    ),
    "jwt.providers[].remoteJWKS.failedRefetchDuration": ignored(
      "keys are fetched, and tried again, as the gateway does",
    ),
    "extAuth.grpc.backendRefs[].weight": ignored("the servers are asked in turn"),
    "extAuth.grpc.backendRefs[].fallback": ignored("the servers are asked in turn"),
    "extAuth.grpc.backendSettings": ignored("the server is asked once, within the timeout"),
    "extAuth.bodyToExtAuth": unsupported(
      "the authorization server does not get the request's body",
      "Decide by headers, or let the endpoint ask.",
    ),
    "extAuth.includeRouteMetadata": ignored("the authorization server is told nothing of the route"),
    "extAuth.recomputeRoute": ignored("the server's answer does not change which route a request takes"),
    "extAuth.http.backendRefs[].weight": ignored("one server is asked, with every request"),
    "extAuth.http.backendRefs[].fallback": ignored("one server is asked, with every request"),
    "extAuth.http.backendSettings": ignored("the server is asked once, within the timeout"),
    "extAuth.http.pathOverride": unsupported(
      "the server gets the request's path behind its own",
      "Use path, and let the server answer below it.",
    ),
    "authorization.rules[].cel": unsupported(
      "expressions are not evaluated",
      "Write principal and operation.",
    ),
    "authorization.rules[].principal.clientIPGeoLocations": unsupported(
      "where an address lies is not known",
      "Write the networks: clientCIDRs.",
    ),
    "authorization.rules[].principal.jwt.claims[].valueType": approximated(
      "a claim that is a list holds if one of its values does, whatever its type",
    ),
  },
  Backend: {
    "endpoints[].hostname": ignored("requests keep the Host that the client sent"),
    "endpoints[].unix": unsupported("Unix sockets are not dialled", "Let the server listen on a port."),
    "tls.alpnProtocols": tlsOfEndpoints,
    "tls.autoSNIFromEndpointHostname": ignored("the name in TLS is sni, or else the endpoint's own"),
    "tls.ciphers": tlsOfEndpoints,
    "tls.ecdhCurves": tlsOfEndpoints,
    "tls.fingerprints": tlsOfEndpoints,
    "tls.maxVersion": tlsOfEndpoints,
    "tls.minVersion": tlsOfEndpoints,
    "tls.signatureAlgorithms": tlsOfEndpoints,
  },
  HTTPRouteFilter: {
    "urlRewrite.hostname": unsupported(
      "the Host is not put together from the request or the endpoint",
      "Write the name: urlRewrite.hostname of the HTTPRoute.",
    ),
    "urlRewrite.appendXForwardedHost": ignored("X-Forwarded-Host has the Host that the client sent"),
    "directResponse.header.remove": ignored("there are no headers to take away"),
  },
  EnvoyProxy: { "": ignored("how Envoy is run means nothing here") },
  EnvoyGateway: {
    "": ignored("options of Envoy Gateway mean nothing here; those of the gateway are `isthmus serve`'s"),
  },
  EnvoyPatchPolicy: {
    "": unsupported(
      "Envoy's own configuration cannot be patched",
      "Write what it is for as native configuration.",
    ),
  },
  EnvoyExtensionPolicy: {
    "": unsupported(
      "programs of Envoy (Wasm, Lua, external processing) are not run",
      "Let an endpoint in front of the backend do their work.",
    ),
  },
};

/** Says of each such field that the object has what is lost with it. */
export function noteUnread(object: KubernetesObject, notes: Notes): void {
  for (const [pattern, loss] of Object.entries(lossesByKind[object.kind] ?? {})) {
    const steps = pattern === "" ? [] : pattern.split(".");
    for (const path of placesOf(object.value["spec"], steps, ["spec"])) {
      notes.add(fieldOf(object, ...path), loss);
    }
  }
}

/** Where a value has the field, once for each item of the lists on the way. */
function placesOf(value: unknown, steps: readonly string[], path: Path): Path[] {
  const [step, ...rest] = steps;
  if (step === undefined) return [path];
  if (value === null || typeof value !== "object") return [];
  const name = step.replace("[]", "");
  if (!Object.hasOwn(value, name)) return [];
  const inner = (value as Record<string, unknown>)[name];
  if (!step.endsWith("[]")) return placesOf(inner, rest, [...path, name]);
  if (!Array.isArray(inner)) return [];
  return inner.flatMap((item, index) => placesOf(item, rest, [...path, name, index]));
}
