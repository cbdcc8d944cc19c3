// ClientTrafficPolicy → what a listener asks of its clients, and what it does to all of their requests.
import type { ExtensionContext, RuleInput } from "../gateway-api/extension.ts";
import type { ListenerInput } from "../kubernetes/model-parts.ts";
import type { KubernetesObject } from "../kubernetes/object.ts";
import { withFields } from "../with-fields.ts";
import { approximated, at, ignored, invalid, unsupported, type Place } from "../kubernetes/field-notes.ts";
import { referredText, type ObjectRef } from "./referred.ts";
import type { ClientSpec } from "./schema/client-traffic-policy.ts";
import { bytesOf } from "./schema/common.ts";

type Frontend = NonNullable<NonNullable<ListenerInput["tls"]>["frontendValidation"]>;

export interface ClientSettings {
  readonly listener: Partial<ListenerInput>;
  /** Who its clients are could not be told: nobody is let in. */
  readonly isClosed: boolean;
  /** Absent: rules stay as they are. */
  readonly apply: ((rule: RuleInput) => RuleInput) | undefined;
}

export function clientSettingsOf(
  spec: ClientSpec,
  object: KubernetesObject,
  context: ExtensionContext,
): ClientSettings {
  const place: Place = { notes: context.notes, object, path: ["spec"] };
  const { headers, timeout, proxyProtocol, enableProxyProtocol, tls, path, clientIPDetection, connection } =
    spec;
  const frontend =
    tls?.clientValidation && frontendOf(tls.clientValidation, at(place, "tls", "clientValidation"), context);
  if (tls) noteVersions(tls, at(place, "tls"));
  const action = path?.escapedSlashesAction;
  if (action !== undefined && action !== "RejectRequest")
    approximated(at(place, "path", "escapedSlashesAction"), "paths with %2F or %5C are answered 400");
  const { requestReceivedTimeout, streamIdleTimeout } = timeout?.http ?? {};
  const headerBytes = headers?.maxRequestHeaderLimit;
  const { xForwardedFor } = clientIPDetection ?? {};
  const connections = connection?.connectionLimit?.value;
  return {
    isClosed: frontend === "unknown",
    listener: withFields({
      proxyProtocol:
        (proxyProtocol ?? enableProxyProtocol)
          ? withFields({ optional: proxyProtocol?.optional })
          : undefined,
      connection: connections === undefined ? undefined : limitOf(connections, at(place, "connection")),
      headers: headers && headersOf(headers, at(place, "headers")),
      requestLimits: headerBytes === undefined ? undefined : { headerBytes: bytesOf(headerBytes) },
      timeouts:
        requestReceivedTimeout === undefined ? undefined : { requestReceived: requestReceivedTimeout },
      tls: frontend && frontend !== "unknown" ? { frontendValidation: frontend } : undefined,
      clientIPDetection: xForwardedFor && {
        xForwardedFor: withFields({
          numTrustedHops: xForwardedFor.numTrustedHops,
          trustedCIDRs: xForwardedFor.trustedCIDRs,
        }),
      },
    }),
    apply:
      streamIdleTimeout === undefined
        ? undefined
        : (rule) => ({ ...rule, timeouts: { streamIdle: streamIdleTimeout, ...rule.timeouts } }),
  };
}

/** More than a process can have anyway. */
const mostConnections = 1_000_000;

/** What is beyond it is closed, as by Envoy. */
function limitOf(value: number, place: Place): ListenerInput["connection"] {
  if (value > mostConnections)
    approximated(at(place, "connectionLimit", "value"), `connections are limited to ${mostConnections}`);
  return { connectionLimit: { value: Math.min(value, mostConnections), overflow: "Close" } };
}

function headersOf(
  {
    disableRateLimitHeaders,
    requestID,
    preserveXRequestID,
    earlyRequestHeaders,
    lateResponseHeaders,
  }: NonNullable<ClientSpec["headers"]>,
  place: Place,
): ListenerInput["headers"] {
  const lateRequestHeaders = earlyRequestHeaders && changed(earlyRequestHeaders);
  if (lateRequestHeaders)
    approximated(
      at(place, "earlyRequestHeaders"),
      "routes are chosen by the headers that the client has sent",
    );
  const id = requestID ?? (preserveXRequestID ? "PreserveOrGenerate" : undefined);
  if (id === "Generate" || id === "Disable")
    ignored(at(place, "requestID"), "an X-Request-ID that the client sends passes on");
  return withFields({
    disableRateLimitHeaders,
    requestID: id === "Generate" ? ("PreserveOrGenerate" as const) : id === "Disable" ? undefined : id,
    lateRequestHeaders,
    lateResponseHeaders: lateResponseHeaders && changed(lateResponseHeaders),
  });
}

type Changes = NonNullable<NonNullable<ClientSpec["headers"]>["earlyRequestHeaders"]>;

/** `undefined`: nothing is changed. */
function changed({ set, add, remove }: Changes) {
  const made = withFields({ set, add, remove });
  return Object.keys(made).length > 0 ? made : undefined;
}

/** Node.js has 1.2 and 1.3. */
function noteVersions({ minVersion, maxVersion }: NonNullable<ClientSpec["tls"]>, place: Place): void {
  if (minVersion === "1.3") {
    unsupported(
      at(place, "minVersion"),
      "clients of TLS 1.2 are let in, too",
      "Let an edge in front refuse them.",
    );
  }
  if (minVersion === "1.0" || minVersion === "1.1")
    approximated(at(place, "minVersion"), "clients of TLS 1.2 and 1.3 alone are let in");
  if (maxVersion !== undefined && maxVersion !== "Auto" && maxVersion !== "1.3")
    approximated(at(place, "maxVersion"), "clients may use TLS 1.3");
}

type Validation = NonNullable<NonNullable<ClientSpec["tls"]>["clientValidation"]>;

function frontendOf(
  { mode, optional, caCertificateRefs = [], crl }: Validation,
  place: Place,
  context: ExtensionContext,
): Frontend | "unknown" {
  const wanted = mode ?? (optional ? "VerifyIfGiven" : "RequireAndVerify");
  if (wanted === "Request" || wanted === "RequireAny") {
    const remedy = "Name the authorities in caCertificateRefs, with mode RequireAndVerify or VerifyIfGiven.";
    unsupported(at(place, "mode"), "a certificate counts only if an authority answers for it", remedy);
  }
  if (wanted === "VerifyIfGiven")
    approximated(place, "a client with a certificate that is not valid is let in as if it had none");
  const texts = (refs: readonly ObjectRef[], key: string, field: Place): string | undefined => {
    const read = refs.map((ref) => referredText(ref, key, place.object, context));
    read.forEach((one, index) => {
      if ("problem" in one) invalid(at(field, index), one.problem);
    });
    return read.some((one) => "problem" in one)
      ? undefined
      : read.map((one) => ("text" in one ? one.text : "")).join("\n");
  };
  const caCertificates = texts(caCertificateRefs, "ca.crt", at(place, "caCertificateRefs"));
  const crls = crl && texts(crl.refs, "ca.crl", at(place, "crl", "refs"));
  if (caCertificateRefs.length === 0) invalid(place, `mode ${wanted} needs caCertificateRefs`);
  if (!caCertificates || (crl && !crls)) return "unknown";
  return {
    mode: wanted === "RequireAndVerify" ? "AllowValidOnly" : "AllowInsecureFallback",
    caCertificates,
    ...withFields({ crls }),
  };
}
