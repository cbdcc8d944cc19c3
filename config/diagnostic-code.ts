// The closed list of findings: how grave each is and what it means. Scripts match on the codes, so they never change.
// An error is whatever would send traffic elsewhere, or let others pass, if it were ignored; a warning is what works as
// its standard says, but hardly as its author meant.
import type { Diagnostic } from "#contract/diagnostic.ts";

interface CodeEntry {
  readonly severity: Diagnostic["severity"];
  /** For the reference in docs/. */
  readonly meaning: string;
}

const error = (meaning: string): CodeEntry => ({ severity: "error", meaning });
const warning = (meaning: string): CodeEntry => ({ severity: "warning", meaning });

export const diagnosticCodes = {
  // The text.
  "file-too-large": error("The text is longer than the bound."),
  "file-empty": error("There is no file, or nothing in it."),
  "file-repeated": error("One file is given twice."),
  "text-invalid": error("Not a text file in UTF-8."),
  "yaml-syntax": error("Not valid YAML 1.2, and not JSON."),
  "yaml-several-documents": error("More than one YAML document in a file."),
  "yaml-too-deep": error("Nested deeper than the bound."),
  "yaml-key": error("A key of a map is no plain value."),
  "yaml-alias": error("An alias without anchor, within itself, or aliases beyond the bound."),
  "yaml-merge": error("`<<` with something that is no map."),
  "yaml-tag": error("A tag such as `!name`."),
  "key-duplicate": error("A key stands twice in one map."),
  // The shape.
  "field-unknown": error("A field that does not exist here."),
  "field-missing": error("A required field is not there."),
  "field-type": error("A value of another kind than the field's."),
  "field-value": error("A value that the field does not take."),
  // Statements of other formats.
  "haproxy-syntax": error("A line of a haproxy.cfg that cannot be split into words."),
  "environment-variable": error("A value that depends on the environment of the proxy it was written for."),
  "keyword-unknown": error("A word that no statement begins with."),
  "keyword-misplaced": error("A statement that does not belong into its section."),
  "argument-invalid": error("A statement whose arguments its own proxy would refuse."),
  "statement-unsupported": error(
    "A statement that decides where traffic goes or who may pass, and has no equivalent.",
  ),
  "statement-approximated": warning("A statement that is honoured, but not to the letter."),
  "endpoint-unverified": warning("Endpoints whose certificates are not verified, as a statement asks."),
  "statement-ignored": warning(
    "A statement that has no equivalent, and whose absence sends no request elsewhere.",
  ),
  // Objects of Kubernetes.
  "object-invalid": error("A document that is no Kubernetes object."),
  "object-version-unsupported": error("An object of a version that is not read."),
  "object-kind-unsupported": error("A kind that decides over traffic, and is not read."),
  "object-kind-ignored": warning("A kind that means nothing here."),
  "object-reference-unknown": warning(
    "An object refers to one that is not there; its standard says what happens then.",
  ),
  "object-repeated": error("A second object of one kind, namespace and name."),
  "object-foreign": warning("An object that another controller is there for."),
  "annotation-unknown": warning("An annotation that its controller does not know."),
  "path-taken": warning("A path of a host that an older object has already."),
  "canary-unattached": warning("A canary that gets no requests."),
  "backend-unresolved": warning("A Service, or a port of one, that is not there: requests are answered 503."),
  "certificate-unresolved": warning("A Secret with a certificate that is not there, or holds none."),
  // What the standard of an object says of it, and answers in its own way (conditions of the Gateway API).
  "gateway-class-adopted": warning("A GatewayClass of another controller, whose Gateways are served here."),
  "gateway-not-accepted": warning("A Gateway or ListenerSet that is not served."),
  "listener-not-accepted": warning("A listener of a Gateway that is not served, or not as it says."),
  "listener-shared": warning("Listeners of several Gateways of a namespace that are one here."),
  "route-not-accepted": warning("A route that one of its parents does not take."),
  "route-superseded": warning("An older route has the connections that this one wants."),
  "reference-unresolved": warning(
    "A reference that leads nowhere: its share of the requests is answered 500.",
  ),
  "policy-not-accepted": warning("A policy that has no effect, or of which another one takes the place."),
  // The meaning.
  "setting-repeated": error("A setting stands in more than one file."),
  "limit-exceeded": error("More entries, or a larger snapshot, than the bound."),
  "name-duplicate": error("Two listeners, routes, backends, or rules of a route have one name."),
  "reference-unknown": error("A listener or backend of that name does not exist."),
  "listener-none": warning("No listener at all."),
  "listener-conflict": error("Two listeners cannot be told apart: port and protocol, or port and hostname."),
  "listener-certificates-missing": warning("An HTTPS listener without certificates."),
  "listener-tls-unexpected": error("TLS of a listener whose protocol, or mode, has no use for it."),
  "listener-field-unexpected": error("A field of a listener that has no meaning for its protocol."),
  "listener-unrouted": warning("A TCP or TLS listener without a route: connections are closed at once."),
  "listener-unsupported": warning("Cloudflare's edge has no TCP and TLS listeners (edge deployments only)."),
  "route-protocol": error("A route attached to a listener of another protocol."),
  "route-conflict": error("Two routes that want the same connections of a listener."),
  "backend-protocol": error("A backend that speaks another protocol than the rule that refers to it."),
  "policy-ineffective": warning("A policy of a backend that connections have no use for."),
  "route-unattached": error("None of the route's listeners serves any of its hostnames."),
  "hostname-unattached": warning("None of the route's listeners serves one of its hostnames."),
  "match-path-invalid": error("No normalised path is equal to, or starts with, this value."),
  "match-regex-invalid": error("A regular expression that is not valid, or cannot run in linear time."),
  "match-network-invalid": error("Not a network."),
  "match-condition-duplicate": error("Two conditions on one name, of which only the first would count."),
  "match-unreachable": warning("Another match always goes first, for all or some of the hostnames."),
  "rule-unreachable": warning("Other rules always go first for all matches of this rule, or it has none."),
  "reachability-unchecked": warning("Too many matches to look for unreachable ones."),
  "filter-conflict": error("Filters, or a filter and backendRefs, that exclude each other."),
  "filter-prefix-missing": error("ReplacePrefixMatch in a rule with other matches than PathPrefix."),
  "rule-no-backend": warning("A rule without backendRefs: requests are answered 500, connections closed."),
  "rule-zero-weight": warning(
    "A rule whose backendRefs all have weight 0: requests are answered 500, connections closed.",
  ),
  "security-policy-invalid": error("Access control that no request can satisfy, or that decides nothing."),
  "security-hash-invalid": error("Not a hash of a password or API key that the gateway can verify."),
  "security-jwks-plain": warning("Keys of tokens that are fetched without TLS."),
  "timeout-order": error("backendRequest is longer than request."),
  "duration-range": error("A duration of zero, or beyond what timers hold."),
  "rate-limit-invalid": error("A rate limit that contradicts itself, or refuses every request."),
  "rate-limit-ineffective": warning("A rate limit that counts nothing."),
  "backend-zero-weight": warning("Every backendRef to the backend has weight 0."),
  "backend-no-endpoints": warning("A backend without endpoints, or only with weight 0, answered 503."),
  "port-forward-unsupported": error("A backend that connections cannot be forwarded to says who may."),
  "backend-tunnel-missing": error(
    "A backend that only an agent can dial, without a tunnel (edge deployments only).",
  ),
  "tunnel-reserved": error("The tunnel of the agent that isthmus serve starts by itself."),
  "backend-tls-unexpected": error("TLS settings of a backend whose protocol has no TLS."),
  "backend-tls-certificate": error("PEM text of a backend's TLS without a certificate that can be read."),
  "backend-tls-key": error("The key of a certificate for endpoints where it would have to travel."),
  "endpoint-address-invalid": error("Neither an IP address nor a host name."),
  "endpoint-duplicate": error("An address and port twice in one backend."),
  "canary-shares-backend": warning("A split between versions that lead to the same endpoint."),
  "hostname-shared": warning("A host has routes in more than one file."),
  "certificate-unreadable": warning("PEM text without a certificate that can be read."),
  "certificate-hostname": warning("No certificate of a listener covers one of its hosts."),
  "certificate-expired": warning("A certificate that has expired, or is not valid yet."),
  "certificate-expiring": warning("A certificate that ends within three weeks."),
  "endpoint-undialable": warning("Cloudflare's edge cannot dial this address (edge deployments only)."),
  "health-check-observe": error(
    "Errors of requests that count for active checks, where there are none in the region.",
  ),
  "health-check-protocol": error("A health check over gRPC of a backend that does not speak HTTP/2."),
  "health-check-timeout": warning("A health check's timeout is not shorter than its interval."),
} as const satisfies Record<string, CodeEntry>;

export type DiagnosticCode = keyof typeof diagnosticCodes;
