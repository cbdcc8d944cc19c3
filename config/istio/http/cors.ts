// `corsPolicy` → CORS. Origins are lists of hosts here, with `*.` for any labels in front.
import { corsOriginSchema } from "#contract/cors.ts";
import { goDurationMs } from "../go-duration.ts";
import type { CorsPolicy } from "../kinds/virtual-service.ts";
import type { StringMatch } from "../kinds/values.ts";
import { approximated, at, unsupported, type Place } from "../../kubernetes/field-notes.ts";
import type { Filter } from "./header-changes.ts";

type Cors = Extract<Filter, { type: "CORS" }>["cors"];

export function corsFilter(policy: CorsPolicy, place: Place): Filter {
  const { allowOrigin, allowMethods = [], allowHeaders = [], exposeHeaders = [], maxAge } = policy;
  const origins = policy.allowOrigins ?? (allowOrigin ?? []).map((exact) => ({ exact }));
  const field = policy.allowOrigins ? "allowOrigins" : "allowOrigin";
  const allowOrigins = origins.flatMap((origin, index) => originsOf(origin, at(place, field, index)));
  const seconds = maxAge === undefined ? 0 : Math.floor(goDurationMs(maxAge) / 1_000);
  if (policy.unmatchedPreflights === "FORWARD") {
    const message = "preflights of other origins are answered here, without leave, and not forwarded";
    approximated(at(place, "unmatchedPreflights"), message);
  }
  return {
    type: "CORS",
    cors: {
      allowOrigins: allowOrigins.includes("*") ? ["*"] : allowOrigins,
      ...(policy.allowCredentials && { allowCredentials: true }),
      ...(allowMethods.length > 0 && {
        allowMethods: alone(allowMethods) as NonNullable<Cors["allowMethods"]>,
      }),
      ...(allowHeaders.length > 0 && { allowHeaders: alone(allowHeaders) }),
      ...(exposeHeaders.length > 0 && { exposeHeaders }),
      ...(seconds > 0 && { maxAge: seconds }),
    },
  };
}

function alone(values: readonly string[]): string[] {
  return values.includes("*") ? ["*"] : [...values];
}

/** Envoy also compares each matcher with `*` itself, so that an exact `*` is every origin. */
function originsOf({ exact, prefix, regex }: StringMatch, place: Place): string[] {
  if (exact === "*" || regex === ".*" || regex === "*") return ["*"];
  const origin = exact ?? (prefix === undefined ? originPattern(regex ?? "") : prefixOrigin(prefix));
  if (origin !== undefined && corsOriginSchema.safeParse(origin).success) return [origin];
  unsupported(
    place,
    `an origin such as ${JSON.stringify(exact ?? prefix ?? regex)} cannot be compared`,
    "Write origins, with *. for the hosts below: https://*.example.com.",
  );
  return [];
}

function prefixOrigin(prefix: string): string | undefined {
  return /^https?:\/\/$/.test(prefix) ? `${prefix}*` : undefined;
}

/** `https://.*\.example\.com`, `https://example\.com`: expressions that say no more than a list of hosts can. */
function originPattern(regex: string): string | undefined {
  const found = /^\^?(https?:\/\/)(\.[*+]\\\.)?((?:[A-Za-z0-9-]+\\\.)*[A-Za-z0-9-]+)(:[0-9]+)?\$?$/.exec(
    regex,
  );
  if (!found) return undefined;
  return `${found[1]}${found[2] ? "*." : ""}${found[3]!.replaceAll("\\.", ".")}${found[4] ?? ""}`;
}
