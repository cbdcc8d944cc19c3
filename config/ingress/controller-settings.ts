// The ConfigMap of ingress-nginx's controller, where it is among the files: what Ingresses have where they say nothing.
import { configMapKind, type ConfigMap } from "../kubernetes/core-kinds.ts";
import { fieldOf, type Notes } from "../kubernetes/notes.ts";
import { qualifiedName } from "../kubernetes/object.ts";
import type { ResourceSet } from "../kubernetes/resource-set.ts";
import type { Preset } from "./annotation/annotations.ts";

/** Names that the chart, the static manifests and those of former releases have. */
const controllerName = /^(?:.+-)?(?:ingress-nginx-controller|nginx-ingress-controller|nginx-configuration)$/;
/** Whoever may write here may decide for all: a ConfigMap in a tenant's namespace may not. */
const controllerNamespaces: ReadonlySet<string> = new Set(["ingress-nginx", "nginx-ingress", "kube-system"]);

/** Settings that are what an Ingress has without the annotation of that name. */
const presets: ReadonlySet<string> = new Set([
  "custom-http-errors",
  "denylist-source-range",
  "force-ssl-redirect",
  "load-balance",
  "preserve-trailing-slash",
  "proxy-body-size",
  "proxy-connect-timeout",
  "proxy-next-upstream",
  "proxy-next-upstream-timeout",
  "proxy-next-upstream-tries",
  "proxy-read-timeout",
  "proxy-send-timeout",
  "relative-redirects",
  "service-upstream",
  "ssl-redirect",
  "use-port-in-redirects",
  "whitelist-source-range",
]);

/** Settings that decide who may pass, or what passes for the client's address, with what to write instead. */
const refused: Readonly<Record<string, string>> = {
  "block-cidrs": "Write denylist-source-range.",
  "block-referers": "Write rules with DirectResponse in a native file beside this one.",
  "block-user-agents": "Write rules with DirectResponse in a native file beside this one.",
  "enable-modsecurity": "There is no web application firewall, so requests that it stops would pass.",
  "enable-real-ip": "Write clientIPDetection in a native file beside this one.",
  "global-auth-url": "Write auth-url for each Ingress.",
  "use-forwarded-headers": "Write clientIPDetection in a native file beside this one.",
  "use-proxy-protocol":
    "Write the listeners with proxyProtocol in a native file in place of port 80 and 443.",
};

const inert: ReadonlySet<string> = new Set(["false", "off", ""]);

export function readControllerSettings(set: ResourceSet, notes: Notes): ReadonlyMap<string, Preset> {
  const found = new Map<string, Preset>();
  for (const configMap of set.all(configMapKind)) {
    if (!controllerName.test(configMap.name)) continue;
    if (controllerNamespaces.has(configMap.namespace)) readSettings(configMap, found, notes);
    else noteElsewhere(configMap, notes);
  }
  return found;
}

function readSettings(configMap: ConfigMap, found: Map<string, Preset>, notes: Notes): void {
  for (const [key, value] of Object.entries(configMap.body.data ?? {})) {
    const field = fieldOf(configMap.object, "data", key);
    const text = value.trim();
    if (presets.has(key)) {
      // Of several ConfigMaps the oldest has the say.
      if (text !== "" && !found.has(key)) found.set(key, { text, field });
    } else if (inert.has(text)) continue;
    else if (Object.hasOwn(refused, key)) {
      const message = `${key}: a setting of ingress-nginx that is not read, and decides who may pass`;
      notes.add(field, { code: "statement-unsupported", message, remedy: refused[key] });
    } else {
      const message = `${key}: a setting of ingress-nginx that has no effect here`;
      notes.add(field, { code: "statement-ignored", message });
    }
  }
}

function noteElsewhere(configMap: ConfigMap, notes: Notes): void {
  const name = JSON.stringify(qualifiedName(configMap));
  notes.add(fieldOf(configMap.object, "metadata", "namespace"), {
    code: "statement-ignored",
    message: `${name} has a name of ingress-nginx's own ConfigMap, which is read in ${[...controllerNamespaces].join(", ")} only`,
  });
}
