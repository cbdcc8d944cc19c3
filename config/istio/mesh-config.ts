// The mesh's configuration: that of the ConfigMap `istio`, and of IstioOperators as `istioctl install -f` takes them.
import { configMapKind } from "../kubernetes/core-kinds.ts";
import type { ImportContext } from "../kubernetes/importer.ts";
import { readYaml } from "../native/yaml-document.ts";
import { schemaFindings } from "../native/schema-finding.ts";
import { rootNamespace } from "./host.ts";
import {
  istioOperatorKind,
  meshConfigSchema,
  type ExtensionProvider,
  type MeshConfigBody,
} from "./kinds/mesh-config.ts";
import { at, ignored, invalid, unsupported, type Place } from "./notes.ts";

export interface PlacedProvider {
  readonly provider: ExtensionProvider;
  readonly place: Place;
}

export interface MeshConfig {
  /** By name; of several with one name the first. */
  readonly providers: ReadonlyMap<string, PlacedProvider>;
}

interface Source {
  readonly body: MeshConfigBody;
  /** Of the body's fields; texts within an object have one place for all of them. */
  placeOf(...path: (string | number)[]): Place;
}

export function readMeshConfig(context: ImportContext): MeshConfig {
  const providers = new Map<string, PlacedProvider>();
  for (const { body, placeOf } of [...configMaps(context), ...operators(context)]) {
    noteOthers(body, placeOf);
    for (const [index, provider] of (body.extensionProviders ?? []).entries()) {
      const place = placeOf("extensionProviders", index);
      if (providers.has(provider.name))
        invalid(place, `a second provider named ${JSON.stringify(provider.name)}`);
      else providers.set(provider.name, { provider, place });
    }
  }
  return { providers };
}

/** Only whoever runs the mesh has a say in it: the namespace is Istio's own. */
function configMaps({ set, notes }: ImportContext): Source[] {
  const found = set
    .all(configMapKind)
    .filter(({ namespace, name, body }) => {
      return namespace === rootNamespace && /^istio(?:-|$)/.test(name) && body.data?.["mesh"] !== undefined;
    })
    // A revision's is `istio-REVISION`; the default one's goes before.
    .sort((a, b) => a.name.length - b.name.length)[0];
  const text = found?.body.data?.["mesh"];
  if (!found || text === undefined) return [];
  const place: Place = { notes, object: found.object, path: ["data", "mesh"] };
  const { document, problems } = readYaml(text);
  const value = document?.value ?? {};
  const result = meshConfigSchema.safeParse(value);
  for (const { message } of problems) invalid(place, message);
  for (const { path, message, remedy } of schemaFindings(meshConfigSchema, value, result.error?.issues ?? []))
    invalid(place, `${path.join(".")}: ${message}`, remedy);
  return result.success ? [{ body: result.data, placeOf: () => place }] : [];
}

/** In a cluster they are Istio's namespace's; in the file of an installation they have none. */
function operators({ set, notes }: ImportContext): Source[] {
  return set.all(istioOperatorKind).flatMap(({ object, body }): Source[] => {
    const { namespace } = (object.value["metadata"] ?? {}) as { namespace?: unknown };
    const place: Place = { notes, object, path: [] };
    if (namespace !== undefined && namespace !== rootNamespace) {
      const message = `the mesh is configured from ${rootNamespace} alone: this one has no effect`;
      ignored(at(place, "metadata", "namespace"), message);
      return [];
    }
    const { meshConfig, ...others } = body.spec ?? {};
    if (Object.keys(others).length > 0)
      ignored(at(place, "spec"), `it sets up Istio itself (${Object.keys(others).join(", ")})`);
    if (!meshConfig) return [];
    return [{ body: meshConfig, placeOf: (...path) => at(place, "spec", "meshConfig", ...path) }];
  });
}

function noteOthers(body: MeshConfigBody, placeOf: Source["placeOf"]): void {
  const { extensionProviders: _providers, trustDomainAliases, ...fields } = body;
  const { rootNamespace: root = rootNamespace, trustDomain = "cluster.local", ...others } = fields;
  if (root !== rootNamespace) {
    const message = `objects for the whole mesh are taken to stand in ${rootNamespace}`;
    unsupported(placeOf("rootNamespace"), message, `Move them there, and leave rootNamespace out.`);
  }
  for (const [field, isOther] of [
    ["trustDomain", trustDomain !== "cluster.local"],
    ["trustDomainAliases", trustDomainAliases?.length],
  ] as const) {
    if (!isOther) continue;
    const message = "identities of the mesh are taken to be of the trust domain cluster.local";
    unsupported(placeOf(field), message, "Write principals with the domain in front.");
  }
  const names = Object.keys(others);
  if (names.length === 0) return;
  ignored(placeOf(), `of the mesh's configuration only extensionProviders are read, not ${names.join(", ")}`);
}
