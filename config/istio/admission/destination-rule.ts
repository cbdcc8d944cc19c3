// DestinationRule: `ValidateDestinationRule`.
import { at, invalid, type Place } from "../../kubernetes/field-notes.ts";
import type { ClientTls, DestinationRule, TrafficPolicy } from "../kinds/destination-rule.ts";
import { repeated } from "./values.ts";

export function admitDestinationRule(
  { trafficPolicy, subsets = [] }: DestinationRule["body"]["spec"],
  place: Place,
): void {
  for (const index of repeated(subsets, ({ name }) => name))
    invalid(at(place, "subsets", index, "name"), "another subset has this name");
  admitPolicy(trafficPolicy, at(place, "trafficPolicy"));
  for (const [index, subset] of subsets.entries())
    admitPolicy(subset.trafficPolicy, at(place, "subsets", index, "trafficPolicy"));
}

function admitPolicy(policy: TrafficPolicy | undefined, place: Place): void {
  const { portLevelSettings = [] } = policy ?? {};
  const settings = [
    { ...policy, field: place },
    ...portLevelSettings.map((one, index) => ({ ...one, field: at(place, "portLevelSettings", index) })),
  ];
  for (const { connectionPool, tls, field } of settings) {
    if (connectionPool && !connectionPool.tcp && !connectionPool.http)
      invalid(at(field, "connectionPool"), "expected tcp or http");
    if (tls) admitTls(tls, at(field, "tls"));
  }
}

/** Who is not verified is not verified against anything. */
function admitTls(tls: ClientTls, place: Place): void {
  if (!tls.insecureSkipVerify) return;
  // With MUTUAL the credential has the client's certificate, too.
  const named = ["caCertificates", "subjectAltNames", ...(tls.mode === "SIMPLE" ? ["credentialName"] : [])];
  for (const field of named as ("caCertificates" | "subjectAltNames" | "credentialName")[]) {
    if (tls[field]?.length)
      invalid(at(place, field), "insecureSkipVerify verifies against nothing", "Remove insecureSkipVerify.");
  }
}
