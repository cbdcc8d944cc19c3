// Ingresses, with the annotations of ingress-nginx and what it makes of them → the model. See docs/ingress.md.
import type { ImportContext, Importer } from "../kubernetes/importer.ts";
import { fieldOf, type Notes } from "../kubernetes/notes.ts";
import { objectId } from "../kubernetes/object.ts";
import { readBlockedClients } from "./controller/blocked-clients.ts";
import { readController, type Controller } from "./controller/controller.ts";
import { addStreamServices } from "./controller/stream-services.ts";
import { createBackends } from "./backends.ts";
import { servedIngresses } from "./ingress-class.ts";
import { ingressClassKind, ingressKind, type Ingress } from "./kinds.ts";
import { addListeners, addressesOf } from "./listeners.ts";
import { attachCanaries } from "./canaries.ts";
import { addPassedHosts, findPassedHosts } from "./passthrough.ts";
import { addRoutes } from "./routes.ts";
import { addWwwRoutes } from "./www-routes.ts";
import { mergeServers, type Source } from "./server.ts";
import { readSettings } from "./settings.ts";

export const ingressImporter: Importer = {
  kinds: [ingressKind, ingressClassKind],
  openPorts: (set) => (set.all(ingressKind).length > 0 ? [80, 443] : []),
  translate,
};

function translate(context: ImportContext): void {
  const { set, notes } = context;
  const controller = readController(set, notes);
  const sources: Source[] = servedIngresses(set, notes).map((ingress) => {
    noteResources(ingress, notes);
    return { ingress, settings: readSettings(ingress, context, controller) };
  });
  const servers = mergeServers(
    sources.filter(({ settings }) => !settings.canary),
    notes,
  );
  const passed = findPassedHosts(servers);
  const listeners = addListeners(sources, servers, passed, controller, context);
  attachCanaries(
    sources.filter(({ settings }) => settings.canary),
    servers,
    notes,
  );
  const catchAll = servers.find(({ host }) => host === "");
  const routes = {
    ...context,
    controller,
    blocked: readBlockedClients(controller),
    backends: createBackends(context, sources),
    listeners,
  };
  for (const server of servers) addRoutes(server, catchAll, routes);
  addWwwRoutes(servers, routes);
  addPassedHosts(passed, listeners.common, routes.backends, context);
  const addresses = addressesOf(controller);
  addStreamServices(controller, addresses.length > 0 ? { addresses } : {}, context);
  noteUnknown(sources, controller, notes);
}

/** Where the ConfigMap has an error, it is not known what an administrator wants of Ingresses: none is served for it. */
function noteUnknown(sources: readonly Source[], { objects }: Controller, notes: Notes): void {
  const broken = [...objects].find((object) => notes.broken.has(objectId(object)));
  if (!broken) return;
  for (const { ingress } of sources) {
    notes.add(fieldOf(ingress.object, "metadata", "name"), {
      code: "reference-unknown",
      message: `it is not known what holds for the Ingress: ${objectId(broken)} has an error`,
    });
  }
}

/** Backends that are no Services are what other controllers serve files from. */
function noteResources({ body, object }: Ingress, notes: Notes): void {
  const { defaultBackend, rules } = body.spec;
  const note = (kind: string, ...path: (string | number)[]): void =>
    notes.add(fieldOf(object, ...path, "resource"), {
      code: "statement-unsupported",
      message: `a backend of kind ${JSON.stringify(kind)}: requests go to Services only`,
      remedy: "Name a Service, or remove the path: ingress-nginx passes over it, too.",
    });
  if (defaultBackend?.resource) note(defaultBackend.resource.kind, "spec", "defaultBackend");
  for (const [rule, { http }] of (rules ?? []).entries()) {
    for (const [index, { backend }] of (http?.paths ?? []).entries()) {
      if (backend.resource)
        note(backend.resource.kind, "spec", "rules", rule, "http", "paths", index, "backend");
    }
  }
}
