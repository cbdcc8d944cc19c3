// Manifests → objects: several YAML documents a file, JSON, and lists as `kubectl get -o yaml` prints them.
import type { SourceFile } from "#contract/admin.ts";
import type { Diagnostic } from "#contract/diagnostic.ts";
import { readJson } from "../native/json-document.ts";
import { textDiagnostic, textProblem } from "../native/parse.ts";
import type { SourceDocument } from "../native/source-document.ts";
import { readYamlStream } from "../native/yaml-document.ts";
import { createReport, type DiagnosticReport, type Path, type Report } from "../report.ts";
import { separateBroken } from "./broken-documents.ts";
import { isConfined, isConfinedKind } from "./confined-text.ts";
import type { KubernetesObject } from "./object.ts";

/** By its first fields: every manifest has `apiVersion` and `kind` at its root, and no other format has. */
export function isKubernetes({ content }: SourceFile): boolean {
  // Documents that are written as JSON or in braces may stand in a stream, each on a line of its own.
  if (/^(?:(?:---[ \t]*\r?\n?)?\{\s*)?["']?(?:apiVersion|kind)["']?[ \t]*:/m.test(content)) return true;
  return /^\uFEFF?\s*\{/.test(content) && /"apiVersion"\s*:/.test(content);
}

export interface ReadObjects {
  readonly objects: KubernetesObject[];
  /** Errors: texts that cannot be read, and documents that are no objects. */
  readonly diagnostics: Diagnostic[];
  /** Errors of documents that nobody but their own namespaces misses. */
  readonly confined: Diagnostic[];
}

/**
 * Never throws; time and memory are bounded by the length of the text. `isolate`: what can be read is, where other documents
 * of the file cannot.
 */
export function readObjects({ name, content }: SourceFile, isolate = false): ReadObjects {
  const unreadable = textProblem(content);
  const { documents, problems } = unreadable
    ? { documents: [], problems: [unreadable] }
    : readDocuments(content);
  if (problems.length === 0) return objectsOf(name, documents);
  const apart = isolate ? separateBroken(content) : undefined;
  const rest = apart && readYamlStream(apart.rest);
  // Broken as a whole: all documents together are beyond a bound, say.
  const isWhole = !apart || apart.broken.length === 0 || rest!.problems.length > 0;
  const broken = isWhole ? [{ text: content, problems }] : apart.broken;
  const read = objectsOf(name, isWhole ? [] : rest!.documents);
  for (const one of broken) {
    const list = isConfined(one.text) ? read.confined : read.diagnostics;
    for (const problem of one.problems) list.push(textDiagnostic(name, problem));
  }
  return read;
}

function objectsOf(name: string, documents: readonly SourceDocument[]): ReadObjects {
  // One report for the whole file, so that its bound holds for all documents together.
  let document: SourceDocument;
  const createFileReport = (): DiagnosticReport =>
    createReport((path, at) => ({ file: name, path, ...document.locate(path, at) }));
  const [report, confined] = [createFileReport(), createFileReport()];
  const objects: KubernetesObject[] = [];
  for (document of documents)
    objects.push(...expand(document.value, [], { file: name, document, report, confined }));
  return { objects, diagnostics: report.diagnostics(), confined: confined.diagnostics() };
}

function readDocuments(content: string): ReturnType<typeof readYamlStream> {
  const json = readJson(content);
  if (!json) return readYamlStream(content);
  return { documents: json.document ? [json.document] : [], problems: json.problems };
}

interface Reading {
  readonly file: string;
  readonly document: SourceDocument;
  readonly report: Report;
  /** For what nobody but its own namespace misses. */
  readonly confined: Report;
}

/** Levels of lists within lists; the API server makes one. */
const maxListDepth = 4;

function expand(value: unknown, path: Path, reading: Reading): KubernetesObject[] {
  if (!isMap(value)) return refuse(path, "an object with apiVersion, kind and metadata", reading);
  const { apiVersion, kind } = value;
  if (typeof apiVersion !== "string" || apiVersion === "") {
    return refuse([...path, "apiVersion"], "an apiVersion such as networking.k8s.io/v1", reading);
  }
  if (typeof kind !== "string" || kind === "")
    return refuse([...path, "kind"], "a kind such as Ingress", reading);
  const items = value["items"];
  if (kind.endsWith("List") && Array.isArray(items)) {
    if (path.length >= 2 * maxListDepth) return refuse(path, "lists nested less deep", reading);
    return items.flatMap((item, index) => expand(item, [...path, "items", index], reading));
  }
  const metadata = withName(value["metadata"], kind);
  const { name, namespace: given } = isMap(metadata) ? metadata : {};
  if (typeof name !== "string" || name === "" || name.length > 253) {
    const isConfined = isConfinedKind(kind) && typeof given === "string" && given !== "";
    const report = isConfined ? reading.confined : reading.report;
    return refuse([...path, "metadata", "name"], "the object's name in metadata.name", { report });
  }
  if (given !== undefined && given !== null && (typeof given !== "string" || given.length > 63)) {
    return refuse([...path, "metadata", "namespace"], "the name of a namespace", reading);
  }
  const { file, document } = reading;
  const slash = apiVersion.lastIndexOf("/");
  const namespace = given === undefined || given === null || given === "" ? "default" : (given as string);
  return [
    {
      group: apiVersion.slice(0, Math.max(0, slash)),
      version: apiVersion.slice(slash + 1),
      kind,
      namespace,
      name,
      value: metadata === value["metadata"] ? value : { ...value, metadata },
      locate: (at, side) => ({ file, path: at, ...document.locate([...path, ...at], side) }),
    },
  ];
}

/** `istioctl install -f` takes this kind without metadata, which is how its documentation writes it. */
function withName(metadata: unknown, kind: string): unknown {
  if (kind !== "IstioOperator" || !(metadata === undefined || metadata === null || isMap(metadata)))
    return metadata;
  return { name: "istio", ...metadata };
}

function refuse(path: Path, wanted: string, { report }: Pick<Reading, "report">): [] {
  report.add({ code: "object-invalid", path, message: `not a Kubernetes object: expected ${wanted}` });
  return [];
}

function isMap(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}
