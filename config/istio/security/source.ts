// `from[].source` → who asks. Identities of the mesh are those of client certificates here.
import type { Source } from "../kinds/security.ts";
import { approximated, at, unsupported, type Place } from "../../kubernetes/field-notes.ts";
import { putPrincipal, type Principal, type RuleDraft } from "./rule-draft.ts";

/** Without another one, the mesh's. */
const trustDomain = "cluster.local";

export function addSource(source: Source, namespace: string, draft: RuleDraft, place: Place): void {
  for (const [field, values] of Object.entries(source) as [keyof Source, string[] | undefined][]) {
    if (!values?.length) continue;
    addIdentities(field, values, namespace, draft, at(place, field));
  }
}

/** One field of a source, or the condition of `when` that means the same. */
export function addIdentities(
  field: keyof Source,
  values: readonly string[],
  namespace: string,
  draft: RuleDraft,
  place: Place,
): void {
  const isNot = field.startsWith("not");
  switch (isNot ? field.charAt(3).toLowerCase() + field.slice(4) : field) {
    case "requestPrincipals":
      return putPrincipal(draft, isNot ? "notRequestPrincipals" : "requestPrincipals", [...values], place);
    case "ipBlocks":
    case "remoteIpBlocks":
      return putPrincipal(draft, isNot ? "notClientCIDRs" : "clientCIDRs", [...values], place);
    case "principals":
      return putMesh(values.map(principalId));
    case "namespaces":
      return putMesh(values.map(namespaceId));
    case "serviceAccounts":
      return putMesh(values.map((value) => serviceAccountId(value, namespace)));
    case "trustDomains":
      return putMesh(values.map((value) => trustDomainId(value)));
  }

  function putMesh(ids: (string | undefined)[]): void {
    const known = ids.filter((id) => id !== undefined);
    if (known.length < ids.length) {
      unsupported(
        place,
        "a pattern within an identity cannot be compared",
        "Write names, or a prefix with * behind it.",
      );
    }
    approximated(place, "callers are known by the client certificate that they show to the gateway");
    const key: keyof Principal = isNot ? "notPrincipals" : "principals";
    putPrincipal(draft, key, known, place);
  }
}

/** `cluster.local/ns/shop/sa/web`, with `*` at one end. */
function principalId(value: string): string {
  return value.startsWith("*") || value.startsWith("spiffe://") ? value : `spiffe://${value}`;
}

function namespaceId(value: string): string | undefined {
  if (value === "*") return value;
  if (value.startsWith("*")) return undefined;
  return value.endsWith("*")
    ? `spiffe://${trustDomain}/ns/${value}`
    : `spiffe://${trustDomain}/ns/${value}/*`;
}

function serviceAccountId(value: string, own: string): string {
  const [namespace, name] = value.includes("/") ? (value.split("/", 2) as [string, string]) : [own, value];
  return `spiffe://${trustDomain}/ns/${namespace}/sa/${name}`;
}

function trustDomainId(value: string): string | undefined {
  if (value === "*") return value;
  return value.includes("*") ? undefined : `spiffe://${value}/*`;
}
