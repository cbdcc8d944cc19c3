// The ConfigMap of ingress-nginx's controller, where it is among the files: what holds for all Ingresses, and what they have
// where they say nothing.
import { configMapKind, type ConfigMap } from "../../kubernetes/core-kinds.ts";
import { fieldOf, type Notes } from "../../kubernetes/notes.ts";
import { qualifiedName, type KubernetesObject, type ObjectField } from "../../kubernetes/object.ts";
import type { ResourceSet } from "../../kubernetes/resource-set.ts";
import { nearestName } from "../../native/nearest-name.ts";
import type { Preset } from "../annotation/annotations.ts";
import type { RulePolicies } from "../rule-parts.ts";
import { readValues, type Values } from "../values.ts";
import { readCompression } from "./compression.ts";
import { readControllerSnippets, type ControllerSnippets } from "./snippets.ts";
import { settingPolicies } from "./setting-policy.ts";

/** Names that the chart, the static manifests and those of former releases have. */
const controllerName = /^(?:.+-)?(?:ingress-nginx-controller|nginx-ingress-controller|nginx-configuration)$/;
/** Whoever may write here decides for all: a ConfigMap in a tenant's namespace does not. */
const controllerNamespaces: ReadonlySet<string> = new Set(["ingress-nginx", "nginx-ingress", "kube-system"]);

export interface Controller {
  /** The ConfigMaps that it is read from. */
  readonly objects: ReadonlySet<KubernetesObject>;
  /** Those that are no presets. */
  readonly settings: Values;
  /** Of annotations, by their names. */
  readonly presets: ReadonlyMap<string, Preset>;
  /** Status of redirects to HTTPS, and to and from `www.`. */
  readonly redirectStatus: RedirectStatus;
  /** Of all responses. */
  readonly compression: RulePolicies["compression"];
  /** X-Forwarded-Proto says how clients came in. */
  readonly usesForwardedHeaders: boolean;
  /** Beginnings of paths that are never redirected to HTTPS. */
  readonly withoutRedirect: readonly string[];
  readonly snippets: ControllerSnippets;
  /** Beginnings of paths for which nobody needs credentials. */
  readonly withoutCredentials: readonly string[];
}

const redirectStatuses = [301, 302, 307, 308] as const;
type RedirectStatus = (typeof redirectStatuses)[number];

/** Where certificate authorities ask for what they have been promised (RFC 8555 §8.3). */
const challenges = "/.well-known/acme-challenge";

export function readController(set: ResourceSet, notes: Notes): Controller {
  const found = findSettings(set, notes);
  const text = (name: string): string | undefined => found.get(name)?.text;
  const field = (name: string): ObjectField => found.get(name)!.field;
  const settings = readValues(text, field, notes);
  noteOthers(found, settings);
  const status = settings.integer("http-redirect-code");
  const redirectStatus = redirectStatuses.find((one) => one === status);
  if (status !== undefined && !redirectStatus)
    settings.invalid("http-redirect-code", redirectStatuses.join(", "));
  const pathsOf = (name: string): string[] => (text(name) === undefined ? [challenges] : settings.list(name));
  return {
    objects: new Set([...found.values()].map(({ field: place }) => place.object)),
    settings,
    presets: new Map([...found].filter(([name]) => settingPolicies[name] === "preset")),
    redirectStatus: redirectStatus ?? 308,
    compression: readCompression(settings),
    usesForwardedHeaders: settings.flag("use-forwarded-headers") ?? false,
    snippets: readControllerSnippets(settings),
    withoutRedirect: pathsOf("no-tls-redirect-locations"),
    withoutCredentials: pathsOf("no-auth-locations"),
  };
}

/** Of several ConfigMaps the oldest has the say. */
function findSettings(set: ResourceSet, notes: Notes): Map<string, Preset> {
  const found = new Map<string, Preset>();
  for (const configMap of controllerConfigMaps(set, controllerName, notes)) {
    for (const [name, value] of Object.entries(configMap.body.data ?? {})) {
      const text = value.trim();
      if (text === "" || found.has(name)) continue;
      const field = fieldOf(configMap.object, "data", name);
      if (Object.hasOwn(settingPolicies, name)) found.set(name, { text, field });
      else {
        const near = nearestName(name, Object.keys(settingPolicies));
        notes.add(field, {
          code: "statement-ignored",
          at: "key",
          message: `ingress-nginx has no setting ${JSON.stringify(name)}, and ignores it`,
          remedy: near && `Did you mean ${JSON.stringify(near)}?`,
        });
      }
    }
  }
  return found;
}

/** Those of such a name, where they count; the oldest first. */
export function controllerConfigMaps(set: ResourceSet, name: RegExp, notes: Notes): ConfigMap[] {
  return set.all(configMapKind).filter((configMap) => {
    if (!name.test(configMap.name)) return false;
    const isHeard = controllerNamespaces.has(configMap.namespace);
    if (!isHeard) noteElsewhere(configMap, notes);
    return isHeard;
  });
}

/** What no file reads. */
function noteOthers(found: ReadonlyMap<string, Preset>, settings: Values): void {
  for (const [name, { text }] of found) {
    const policy = settingPolicies[name]!;
    if (typeof policy === "string" || text === (policy.preset ?? "false")) continue;
    if ("ignored" in policy) settings.ignored(name, policy.ignored);
    else settings.unsupported(name, policy.unsupported, policy.remedy);
  }
}

function noteElsewhere(configMap: ConfigMap, notes: Notes): void {
  const name = JSON.stringify(qualifiedName(configMap));
  notes.add(fieldOf(configMap.object, "metadata", "namespace"), {
    code: "statement-ignored",
    message: `${name} has a name of ingress-nginx's own ConfigMaps, which are read in ${[...controllerNamespaces].join(", ")} only`,
  });
}
