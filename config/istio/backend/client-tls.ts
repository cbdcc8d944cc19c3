// `trafficPolicy.tls` → whether the gateway speaks TLS to the endpoints.
import type { ClientTls } from "../kinds/destination-rule.ts";
import { approximated, at, unsupported, type Place } from "../notes.ts";
import type { Upstream } from "./upstreams.ts";

export function speaksTls(tls: ClientTls, upstream: Upstream, place: Place): boolean {
  const { mode = "DISABLE" } = tls;
  if (mode === "DISABLE") return false;
  if (mode === "ISTIO_MUTUAL") {
    if (upstream.tunnel === undefined) {
      const message = "the gateway has no certificate of the mesh: these endpoints are dialled in plain text";
      approximated(at(place, "mode"), message, "Annotate the Service with isthmus.dev/tunnel: NAME.");
    }
    return false;
  }
  if (mode === "MUTUAL") {
    const message = "no client certificate is shown to endpoints";
    unsupported(at(place, "mode"), message, "Let the endpoints know the gateway by its address or a header.");
  }
  noteVerification(tls, place);
  if (tls.sni !== undefined && tls.sni !== upstream.host) {
    approximated(at(place, "sni"), "the server name is that of the endpoint's address");
  }
  return true;
}

/** Certificates of endpoints are always checked, against the system's authorities and the endpoint's name. */
function noteVerification(tls: ClientTls, place: Place): void {
  for (const field of ["caCertificates", "credentialName", "subjectAltNames", "caCrl"] as const) {
    if (tls[field] === undefined || (field === "credentialName" && tls.mode === "MUTUAL")) continue;
    // Where Debian and others keep the system's own.
    if (
      field === "caCertificates" &&
      /^(?:system|\/etc\/ssl\/certs\/ca-certificates\.crt)$/.test(tls[field]!)
    )
      continue;
    const message =
      "an endpoint's certificate is checked against the system's authorities and its own name alone";
    unsupported(at(place, field), message, "Give the endpoints a certificate that the system trusts.");
  }
  if (tls.insecureSkipVerify) {
    const message = "the endpoint's certificate is checked all the same";
    approximated(at(place, "insecureSkipVerify"), message);
  }
}
