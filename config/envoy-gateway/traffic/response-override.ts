// `responseOverride` → pages and redirects in place of responses of some statuses.
import type { FilterInput } from "../../gateway-api/http-filters.ts";
import type { ResourceSet } from "../../kubernetes/resource-set.ts";
import { withFields } from "../../with-fields.ts";
import { responseOf } from "../custom-response.ts";
import { at, invalid, type Place } from "../../kubernetes/field-notes.ts";
import type { TrafficSpec } from "../schema/backend-traffic-policy.ts";

type Override = NonNullable<TrafficSpec["responseOverride"]>[number];
type OverrideInput = Extract<FilterInput, { type: "ResponseOverride" }>["responseOverride"][number];
type StatusMatch = OverrideInput["match"]["statusCodes"][number];

export function overridesOf(
  overrides: readonly Override[],
  namespace: string,
  place: Place,
  set: ResourceSet,
): FilterInput[] {
  const translated = overrides.flatMap(({ match, source, response, redirect }, index): OverrideInput[] => {
    // Those without statuses ask for headers: `unread-fields.ts` has said so.
    if (!match.statusCodes?.length) return [];
    const made = redirect ? redirectTo(redirect) : responseOf(response ?? {}, namespace, set);
    if (typeof made === "string") {
      invalid(at(place, index, "response", "body"), made);
      return [];
    }
    const statusCodes = match.statusCodes.map(({ value = 0, range }): StatusMatch =>
      range ? { type: "Range", range } : { type: "Value", value },
    );
    return [{ match: { statusCodes }, ...withFields({ source }), response: made }];
  });
  return translated.length > 0 ? [{ type: "ResponseOverride", responseOverride: translated }] : [];
}

type Redirect = NonNullable<Override["redirect"]>;
type Texts = NonNullable<NonNullable<OverrideInput["response"]["headersFrom"]>[number]["parts"]>;

/** What is left out is as in the request; another scheme or port has the port of its own. */
function redirectTo({ scheme, hostname, path, port, statusCode = 302 }: Redirect): OverrideInput["response"] {
  const host: Texts[number] =
    hostname !== undefined
      ? { text: hostname }
      : { from: scheme === undefined && port === undefined ? "Host" : "Hostname" };
  const whole = path?.replaceFullPath;
  const parts: Texts = [
    scheme === undefined ? { from: "Scheme" } : { text: scheme },
    { text: "://" },
    host,
    ...(port === undefined ? [] : [{ text: `:${port}` }]),
    whole === undefined ? { from: "Target" } : { text: whole },
  ];
  return { statusCode, headersFrom: [{ name: "Location", parts }] };
}
