// What is said about annotations that no other file reads: unknown ones, those without meaning here, those of others.
import { nearestName } from "../../native/nearest-name.ts";
import { fieldOf, type Notes } from "../../kubernetes/notes.ts";
import type { Controller } from "../controller/controller.ts";
import type { Ingress } from "../kinds.ts";
import { annotationPolicies, inertValues, type AnnotationPolicy } from "./annotation-policy.ts";
import { riskLevels, riskOf } from "./annotation-risk.ts";
import { annotationPrefix, type Annotations } from "./annotations.ts";

/** Annotations by which other controllers are told what to do. */
const foreignPrefixes = [
  "alb.ingress.kubernetes.io/",
  "appgw.ingress.kubernetes.io/",
  "haproxy.org/",
  "haproxy-ingress.github.io/",
  "ingress.citrix.com/",
  "konghq.com/",
  "nginx.com/",
  "nginx.org/",
  "projectcontour.io/",
  "traefik.ingress.kubernetes.io/",
];

export function checkAnnotations(
  ingress: Ingress,
  annotations: Annotations,
  controller: Controller,
  notes: Notes,
): void {
  const forbids = forbiddenBy(controller);
  for (const [key, value] of Object.entries(ingress.annotations)) {
    if (key.startsWith(annotationPrefix)) {
      const name = key.slice(annotationPrefix.length);
      checkOwn(name, value, annotations, notes);
      const reason = value.trim() === "" ? undefined : forbids(name, value);
      if (reason !== undefined)
        annotations.unsupported(name, `the controller's ConfigMap forbids it: ${reason}`);
    } else if (foreignPrefixes.some((prefix) => key.startsWith(prefix))) {
      notes.add(fieldOf(ingress.object, "metadata", "annotations", key), {
        code: "statement-ignored",
        message: `${key}: an annotation of another controller`,
      });
    }
  }
}

function checkOwn(name: string, value: string, annotations: Annotations, notes: Notes): void {
  const policy = Object.hasOwn(annotationPolicies, name) ? annotationPolicies[name] : undefined;
  if (policy === undefined) {
    const near = nearestName(name, Object.keys(annotationPolicies));
    notes.add(annotations.field(name), {
      code: "annotation-unknown",
      at: "key",
      message: `ingress-nginx has no annotation ${JSON.stringify(annotationPrefix + name)}, and ignores it`,
      remedy: near && `Did you mean ${JSON.stringify(annotationPrefix + near)}?`,
    });
  } else if (policy !== "read") noteUnread(name, value.trim(), policy, annotations);
}

function noteUnread(
  name: string,
  value: string,
  policy: Exclude<AnnotationPolicy, "read">,
  annotations: Annotations,
): void {
  if (value === "") return;
  if ("unsupported" in policy) {
    if (!inertValues.includes(value)) annotations.unsupported(name, policy.unsupported);
    return;
  }
  const { takes, silent = inertValues, ignored } = policy;
  if (!takes.pattern.test(value)) annotations.invalid(name, takes.expected);
  else if (!silent.includes(value)) annotations.ignored(name, ignored);
}

/** What an administrator keeps Ingresses from; where the ConfigMap does not say it, nothing. */
function forbiddenBy({ settings }: Controller): (name: string, value: string) => string | undefined {
  const words = settings.list("annotation-value-word-blocklist");
  const noSnippets = settings.flag("allow-snippet-annotations") === false;
  const most = settings.word("annotations-risk-level", riskLevels);
  return (name, value) => {
    if (noSnippets && name.endsWith("-snippet")) return "allow-snippet-annotations";
    const risk = riskOf(name);
    if (most && riskLevels.indexOf(risk) > riskLevels.indexOf(most))
      return `annotations-risk-level is ${most}, and this is ${risk}`;
    const word = words.find((one) => value.includes(one));
    return word === undefined ? undefined : `annotation-value-word-blocklist has ${JSON.stringify(word)}`;
  };
}
