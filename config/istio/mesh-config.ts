// The mesh's configuration: that of the ConfigMap `istio`, and of IstioOperators as `istioctl install -f` takes them.
import { configMapKind } from "../kubernetes/core-kinds.ts";
import type { ImportContext } from "../kubernetes/importer.ts";
import { readYaml } from "../native/yaml-document.ts";
import { schemaFindings } from "../native/schema-finding.ts";
import { rootNamespace } from "./host.ts";
import type { HttpRetry } from "./kinds/virtual-service.ts";
import {
  istioOperatorKind,
  meshConfigSchema,
  type ExtensionProvider,
  type MeshConfigBody,
} from "./kinds/mesh-config.ts";
import { at, ignored, invalid, unsupported, type Place } from "../kubernetes/field-notes.ts";

export interface PlacedProvider {
  readonly provider: ExtensionProvider;
  readonly place: Place;
}

/** What holds for objects that say nothing of it themselves. */
export interface MeshDefaults {
  readonly exportTo: Readonly<Record<"services" | "virtualServices" | "destinationRules", readonly string[]>>;
  readonly retries: Placed<HttpRetry> | undefined;
  readonly connectTimeout: string | undefined;
}

interface Placed<T> {
  readonly value: T;
  readonly place: Place;
}

export interface MeshConfig {
  readonly defaults: MeshDefaults;
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
  const sources = [...configMaps(context), ...operators(context)];
  for (const { body, placeOf } of sources) {
    noteOthers(body, placeOf);
    trustProxies(body, placeOf, context);
    for (const [index, provider] of (body.extensionProviders ?? []).entries()) {
      const place = placeOf("extensionProviders", index);
      if (providers.has(provider.name))
        invalid(place, `a second provider named ${JSON.stringify(provider.name)}`);
      else providers.set(provider.name, { provider, place });
    }
  }
  return { providers, defaults: defaultsOf(sources) };
}

/** Of several sources the first that says something. */
function defaultsOf(sources: readonly Source[]): MeshDefaults {
  const first = <K extends keyof MeshConfigBody>(key: K) =>
    sources.find(({ body }) => body[key] !== undefined);
  const retries = first("defaultHttpRetryPolicy");
  return {
    exportTo: {
      services: first("defaultServiceExportTo")?.body.defaultServiceExportTo ?? [],
      virtualServices: first("defaultVirtualServiceExportTo")?.body.defaultVirtualServiceExportTo ?? [],
      destinationRules: first("defaultDestinationRuleExportTo")?.body.defaultDestinationRuleExportTo ?? [],
    },
    retries: retries && {
      value: retries.body.defaultHttpRetryPolicy!,
      place: retries.placeOf("defaultHttpRetryPolicy"),
    },
    connectTimeout: first("connectTimeout")?.body.connectTimeout,
  };
}

/** Envoy counts from the right end of X-Forwarded-For, too (`xff_num_trusted_hops`). */
function trustProxies(
  { defaultConfig }: MeshConfigBody,
  placeOf: Source["placeOf"],
  { parts }: ImportContext,
): void {
  const count = defaultConfig?.gatewayTopology?.numTrustedProxies;
  if (count === undefined || count === 0) return;
  const place = placeOf("defaultConfig", "gatewayTopology", "numTrustedProxies");
  if (parts.config.clientIPDetection)
    return ignored(place, "another object already says which proxies are believed, and goes first");
  parts.setClientIPDetection({ xForwardedFor: { numTrustedHops: count } }, place);
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

/** Fields that have a meaning here. */
const read: ReadonlySet<string> = new Set(Object.keys(meshConfigSchema.shape));

function noteOthers(body: MeshConfigBody, placeOf: Source["placeOf"]): void {
  const { trustDomainAliases, rootNamespace: root = rootNamespace, trustDomain = "cluster.local" } = body;
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
  const { gatewayTopology: _topology, ...process } = body.defaultConfig ?? {};
  const names = [
    ...Object.keys(body).filter((name) => !read.has(name)),
    ...Object.keys(process).map((name) => `defaultConfig.${name}`),
  ];
  if (names.length > 0)
    ignored(placeOf(), `of the mesh's configuration nothing is made of ${names.join(", ")}`);
}
