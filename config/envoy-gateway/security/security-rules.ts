// SecurityPolicy → access control of a rule. What cannot be resolved is no leave to pass: the requests are answered 500.
import { durationMs } from "#contract/duration.ts";
import type { ExtensionContext, RuleInput } from "../../gateway-api/extension.ts";
import type { FilterInput } from "../../gateway-api/http-filters.ts";
import type { TcpRouteInput } from "../../kubernetes/model-parts.ts";
import type { KubernetesObject } from "../../kubernetes/object.ts";
import { withFields } from "../../with-fields.ts";
import { at, unsupported, type Place } from "../../kubernetes/field-notes.ts";
import { extAuthOf } from "./external-authorization.ts";
import type { SecuritySpec } from "../schema/security-policy.ts";
import { authorizationOf, networksOf } from "./authorization.ts";
import { apiKeysOf, passwordsOf, tokensOf } from "./credentials.ts";

type Cors = Extract<FilterInput, { type: "CORS" }>["cors"];

export interface SecurityRules {
  readonly object: KubernetesObject;
  /** Nobody passes. */
  readonly isRefused: boolean;
  apply(rule: RuleInput): RuleInput;
  readonly connections: TcpRouteInput["securityPolicy"];
}

/** `owner`: the policy that a block comes from, in whose namespace its references are. */
export function securityOf(
  spec: SecuritySpec,
  owner: (block: keyof SecuritySpec) => KubernetesObject,
  place: Place,
  context: ExtensionContext,
): SecurityRules {
  let isRefused = false;
  const need = <T extends object>(block: keyof SecuritySpec, made: T | string | undefined): T | undefined => {
    if (typeof made !== "string") return made;
    isRefused = true;
    const path = ["spec", block];
    context.notes.add(
      { object: owner(block), path },
      { code: "reference-unresolved", message: `${made}; requests are answered 500` },
    );
    return undefined;
  };
  const { cors, basicAuth, apiKeyAuth, jwt, authorization, extAuth } = spec;
  const security = withFields({
    apiKeyAuth: need("apiKeyAuth", apiKeyAuth && apiKeysOf(apiKeyAuth, owner("apiKeyAuth"), context)),
    basicAuth: need("basicAuth", basicAuth && passwordsOf(basicAuth, owner("basicAuth"), context)),
    jwt: need("jwt", jwt && tokensOf(jwt, owner("jwt").namespace, context)),
    authorization: authorization && authorizationOf(authorization, at(place, "authorization")),
    extAuth: need("extAuth", extAuth && extAuthOf(extAuth, owner("extAuth"), at(place, "extAuth"), context)),
  });
  const scripts: FilterInput[] = cors ? [{ type: "CORS", cors: corsOf(cors) }] : [];
  return {
    object: place.object,
    isRefused,
    apply: (rule) => {
      if (rule.securityPolicy?.extAuth && security.extAuth) {
        const message =
          "a route that this policy is for has an ExternalAuth filter, and one server can be asked";
        unsupported(at(place, "extAuth"), message, "Write one of them.");
      }
      const hasCors = rule.filters?.some(({ type }) => type === "CORS");
      return {
        ...rule,
        ...(scripts.length > 0 && !hasCors && { filters: [...(rule.filters ?? []), ...scripts] }),
        ...(Object.keys(security).length > 0 && { securityPolicy: { ...rule.securityPolicy, ...security } }),
      };
    },
    get connections() {
      if (basicAuth ?? apiKeyAuth ?? jwt ?? extAuth) {
        unsupported(
          place,
          "of connections nothing is known but the client's address",
          "Write authorization alone.",
        );
      }
      return authorization && networksOf(authorization, at(place, "authorization"));
    },
  };
}

function corsOf({ maxAge, ...lists }: NonNullable<SecuritySpec["cors"]>): Cors {
  const seconds = maxAge === undefined ? undefined : Math.ceil(durationMs(maxAge) / 1_000);
  // Names and methods are those of the standard; the model's schema says which ones are none.
  return withFields({ ...lists, maxAge: seconds }) as Cors;
}
