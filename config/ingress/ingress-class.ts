// Which Ingresses are served: those of our own classes, and those that no other controller has been named for.
import { fieldOf, type Notes } from "../kubernetes/notes.ts";
import type { ResourceSet } from "../kubernetes/resource-set.ts";
import { ingressClassKind, ingressKind, type Ingress } from "./kinds.ts";

/** Controllers whose Ingresses mean here what they mean there. */
const ownControllers: ReadonlySet<string> = new Set([
  "k8s.io/ingress-nginx",
  "isthmus.dev/ingress-controller",
]);

/** Istio's reads the standard fields alone; its Ingresses are served, with what ingress-nginx does besides. */
const istioController = "istio.io/ingress-controller";

/** Before there were IngressClasses; where it stands, it counts. */
const classAnnotation = "kubernetes.io/ingress.class";
const defaultClassAnnotation = "ingressclass.kubernetes.io/is-default-class";

/**
 * The oldest first. An Ingress of a class whose IngressClass names another controller is that one's, and left to it. One
 * of a class that nothing is known of is served: files that are handed over are meant to be.
 */
export function servedIngresses(set: ResourceSet, notes: Notes): Ingress[] {
  const controllers = new Map(
    set.all(ingressClassKind).map(({ name, body }) => [name, body.spec.controller]),
  );
  const defaultClass = set
    .all(ingressClassKind)
    .find(({ annotations }) => annotations[defaultClassAnnotation] === "true")?.name;
  return set.all(ingressKind).filter((ingress) => {
    const annotated = ingress.annotations[classAnnotation];
    const named = classOf(ingress);
    const name = named ?? defaultClass;
    const controller = name === undefined ? undefined : controllers.get(name);
    if (controller === undefined || ownControllers.has(controller)) return true;
    const path = annotated === undefined ? ["spec"] : ["metadata", "annotations", classAnnotation];
    const field = fieldOf(
      ingress.object,
      ...path,
      ...(path.length === 1 && named ? ["ingressClassName"] : []),
    );
    if (controller === istioController) {
      notes.add(field, {
        code: "statement-approximated",
        message:
          "served as ingress-nginx would: hosts with TLS redirect to it, bodies have at most 1m, the head of an answer a minute",
        remedy:
          'Annotate nginx.ingress.kubernetes.io/ssl-redirect: "false" and proxy-body-size: "0", or write a Gateway.',
      });
      return true;
    }
    notes.add(field, {
      code: "object-foreign",
      message: `left to ${JSON.stringify(controller)}, the controller of its ${named === undefined ? "default " : ""}class ${JSON.stringify(name)}`,
      remedy: `To have it served here, give it a class whose controller is "k8s.io/ingress-nginx".`,
    });
    return false;
  });
}

/** The class that the Ingress itself names. */
export function classOf({ annotations, body }: Ingress): string | undefined {
  return annotations[classAnnotation] ?? body.spec.ingressClassName ?? undefined;
}
