// What an implementation has besides the standard's own kinds: policies that attach to Gateways and routes (GEP-713), and
// what routes may refer to (`extensionRef`, backends of other kinds).
import type { ImportContext } from "../kubernetes/importer.ts";
import type { Kind } from "../kubernetes/kind.ts";
import type {
  BackendInput,
  ListenerInput,
  RouteInput,
  RuleFields,
  TcpRouteInput,
} from "../kubernetes/model-parts.ts";
import type { ObjectField } from "../kubernetes/object.ts";
import type { AnyRoute } from "./attachment.ts";
import type { BackendTlsPolicies } from "./backend-tls-policies.ts";
import type { Problem } from "./condition.ts";
import type { Gateways } from "./gateways.ts";
import type { FilterInput } from "./http-filters.ts";
import type { Listener } from "./listener.ts";
import type { ReferenceGrants } from "./reference-grants.ts";
import type { BackendObjectRef } from "./schema/reference.ts";

export type RuleInput = RouteInput["rules"][number];
export type ConnectionRuleInput = TcpRouteInput["rules"][number];
export type CookieMatch = NonNullable<NonNullable<RuleInput["matches"]>[number]["cookies"]>[number];

/** Settings of a backend that hold for some of its routes: there it is another backend of the model. */
export interface BackendVariant {
  /** Tells it from the backend without them, and from those with others. */
  readonly suffix: string;
  readonly settings: Partial<BackendInput>;
  readonly field: ObjectField;
}

/** What policies have to say of a rule at a listener. Equal ones are the same object. */
export interface RulePolicies {
  readonly backend: BackendVariant | undefined;
  /** Where the fields come from that `apply` sets. */
  readonly fields: RuleFields;
  apply(rule: RuleInput): RuleInput;
  applyToConnections(rule: ConnectionRuleInput): ConnectionRuleInput;
  /** Of a route of connections. */
  readonly connectionSecurity: TcpRouteInput["securityPolicy"];
}

/** What an `extensionRef` filter comes to: filters of the model, and conditions that a request must meet besides. */
export interface ExtensionFilter {
  readonly filters: readonly FilterInput[];
  readonly cookies: readonly CookieMatch[];
}

/** A backend that is no Service. */
export interface ExtensionBackend {
  readonly endpoints: NonNullable<BackendInput["endpoints"]>;
  readonly isHttp2: boolean;
  readonly tls: BackendInput["tls"] | undefined;
  readonly isFallback: boolean;
  readonly field: ObjectField;
}

export interface Extended {
  /** A policy that could not be read may have closed it to some clients: nobody is let in. */
  isClosed(listener: Listener): boolean;
  /** What a policy adds to the listener. */
  ofListener(listener: Listener): Partial<ListenerInput>;
  /** Of `spec.rules[index]`, for what comes in at the listener. */
  ofRule(route: AnyRoute, index: number, listener: Listener): RulePolicies | undefined;
  /** `undefined`: no kind of the extension. */
  backend(ref: BackendObjectRef, namespace: string): ExtensionBackend | Problem | undefined;
  filter(
    ref: Readonly<Record<"group" | "kind" | "name", string>>,
    namespace: string,
  ): ExtensionFilter | Problem | undefined;
  /** Once all routes are translated. */
  finish(): void;
}

export interface ExtensionContext extends ImportContext {
  readonly gateways: Gateways;
  readonly grants: ReferenceGrants;
  readonly policies: BackendTlsPolicies;
}

export interface Extension {
  readonly kinds: readonly Kind[];
  read(context: ExtensionContext): Extended;
}
