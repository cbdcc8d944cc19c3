// Canary Ingresses → the locations of other Ingresses that they take requests of.
import { fieldOf, type Notes } from "../kubernetes/notes.ts";
import { qualifiedName } from "../kubernetes/object.ts";
import type { Location, Server, ServiceRef, Source } from "./server.ts";

/** The oldest first; a location has at most one canary. */
export function attachCanaries(canaries: readonly Source[], servers: readonly Server[], notes: Notes): void {
  for (const source of canaries) {
    const { ingress, settings } = source;
    const { defaultBackend, rules } = ingress.body.spec;
    const attach = (
      host: string,
      isSame: (location: Location) => boolean,
      service: ServiceRef,
      path: (string | number)[],
    ) => {
      const server = servers.find((one) => one.host === host);
      // In ingress-nginx a canary may take the requests of any namespace.
      const isOwn = (one: Location): boolean => one.ingress.namespace === ingress.namespace;
      const locations = server?.locations.filter((one) => one.service && isOwn(one) && isSame(one)) ?? [];
      const field = fieldOf(ingress.object, ...path);
      if (locations.length === 0) {
        const message =
          "no other Ingress of the namespace has this host and path, so the canary gets no requests";
        notes.add(field, { code: "canary-unattached", message });
      }
      for (const location of locations) {
        const { name, port } = service;
        if (location.service!.name === name && location.service!.port.number === port.number) {
          const main = JSON.stringify(qualifiedName(location.ingress));
          const message = `the canary has the Service of the Ingress ${main}, so it separates nothing; ingress-nginx passes over it`;
          notes.add(field, {
            code: "canary-shares-backend",
            message,
            remedy: "Give the canary a Service of its own.",
          });
        }
        if (location.canary) {
          const first = qualifiedName(location.canary.ingress);
          const message = `the canary ${JSON.stringify(first)} has this path already; ingress-nginx takes one`;
          notes.add(field, { code: "canary-unattached", message });
        } else location.canary = { ...source, canary: settings.canary!, service };
      }
    };
    if (defaultBackend?.service) attach("", () => true, defaultBackend.service, ["spec", "defaultBackend"]);
    for (const [index, { host, http }] of (rules ?? []).entries()) {
      for (const [at, { path = "", pathType, backend }] of (http?.paths ?? []).entries()) {
        if (!backend.service) continue;
        const type = pathType === "Exact" ? "Exact" : "Prefix";
        const isSame = (other: Location): boolean =>
          other.path === (path === "" ? "/" : path) && other.pathType === type;
        const place = ["spec", "rules", index, "http", "paths", at];
        attach((host ?? "").toLowerCase(), isSame, backend.service, place);
      }
    }
  }
}
