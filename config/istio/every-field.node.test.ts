// Every field of Istio's API: taken away from an object in which it means something, either what is served changes, or
// what is said about the object. So nothing is dropped without a word. Fields that are not in the schemas are errors.
import { readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { expect, describe, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import type { Diagnostic } from "#contract/diagnostic.ts";
import { loadConfig } from "../load.ts";
import { istioKinds } from "./kinds/all.ts";

type Path = readonly (string | number)[];
interface Sample {
  readonly kind: string;
  readonly value: Record<string, unknown>;
  readonly isServed: boolean;
}

const samples = ["served", "refused"].flatMap((name) =>
  objectsOf(name).map((value): Sample => ({
    kind: String(value["kind"]),
    value,
    isServed: name === "served",
  })),
);
// As JSON, which is read faster: this is loaded some six hundred times.
const [world, asking] = ["world", "asking"].map((name) =>
  objectsOf(name)
    .map((value) => JSON.stringify(value))
    .join("\n---\n"),
) as [string, string];

describe.each(istioKinds.map((kind) => [kind.kind, kind] as const))("%s", (name, kind) => {
  const own = samples.filter((sample) => sample.kind === name);

  test("has all of its fields in the samples", () => {
    const given = own.flatMap((sample) => fieldsIn(sample).map(shapeOf));
    const known = new Set(fieldsOf(z.toJSONSchema(kind.body, { io: "input" }) as Schema).map(general));
    expect([...known].filter((field) => !given.some((path) => `${path}.`.startsWith(`${field}.`)))).toEqual(
      [],
    );
  });

  test.each(own.filter(({ isServed }) => isServed))(
    "$value.metadata.name: each field is honoured or reported",
    ({ value }) => {
      const whole = outcome(value);
      expect(whole.served).toBeDefined();
      const silent = leaves(value["spec"], ["spec"]).filter((path) => isSilent(value, path, whole));
      expect(silent.map((path) => path.join("."))).toEqual([]);
    },
  );
});

function objectsOf(name: string): Record<string, unknown>[] {
  const text = readFileSync(new URL(`every-field/${name}.yaml`, import.meta.url), "utf8");
  return parseAllDocuments(text).map((document) => document.toJS() as Record<string, unknown>);
}

/** Of what is refused, the fields that are named, or that change what is said. */
function fieldsIn({ value, isServed }: Sample): Path[] {
  const fields = leaves(value["spec"], ["spec"]);
  if (isServed) return fields;
  const whole = outcome(value);
  expect(whole.served).toBeUndefined();
  return fields.filter((path) => !isSilent(value, path, whole));
}

/** Subsets and ports have what policies of hosts have. */
function general(field: string): string {
  return field.replace(
    /^spec\.(?:subsets\.\[\]\.)?trafficPolicy\.(?:portLevelSettings\.\[\]\.(?!port\.))?/,
    "spec.trafficPolicy.",
  );
}

interface Outcome {
  readonly served: unknown;
  readonly said: readonly Diagnostic[];
}

function outcome(object: Sample["value"]): Outcome {
  const sample = JSON.stringify(object);
  const asks = object["kind"] === "IstioOperator" && sample.includes('"ask"') ? [asking] : [];
  const content = [world, ...asks, sample].join("\n---\n");
  const { model, diagnostics } = loadConfig([{ name: "all.yaml", content }]);
  return { served: model, said: diagnostics.map((one) => ({ ...one, line: 0, column: 0 })) };
}

function isSilent(value: Sample["value"], path: Path, whole: Outcome): boolean {
  if (whole.said.some((finding) => speaksOf(finding.path, path))) return false;
  return isDeepStrictEqual(outcome(without(value, path) as Sample["value"]), whole);
}

/** A finding about the field itself, or about one that holds it (but not about the whole `spec`). */
function speaksOf(place: string, path: Path): boolean {
  const text = path
    .map((step, index) => (typeof step === "number" ? `[${step}]` : index === 0 ? step : `.${step}`))
    .join("");
  const found = /\]\.(spec\..*)$/.exec(place)?.[1];
  return (
    found !== undefined && (text === found || text.startsWith(`${found}.`) || text.startsWith(`${found}[`))
  );
}

function leaves(value: unknown, path: Path = []): Path[] {
  if (value === null || typeof value !== "object") return [path];
  const entries = Array.isArray(value) ? [...value.entries()] : Object.entries(value);
  if (entries.length === 0) return [path];
  return entries.flatMap(([key, own]) => leaves(own, [...path, key]));
}

function shapeOf(path: Path): string {
  return path.map((step) => (typeof step === "number" ? "[]" : step)).join(".");
}

function without(value: unknown, [step, ...rest]: Path): unknown {
  if (Array.isArray(value)) {
    return rest.length === 0
      ? value.toSpliced(step as number, 1)
      : value.with(step as number, without(value[step as number], rest));
  }
  const { [String(step)]: own, ...others } = value as Record<string, unknown>;
  return rest.length === 0 ? others : { ...others, [String(step)]: without(own, rest) };
}

/** JSON Schema, as far as fields are named in it. */
interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

/** Paths of all that the schema has a name for; maps have whatever keys the samples give them. */
function fieldsOf({ properties, items, anyOf }: Schema, path = ""): string[] {
  if (anyOf) return anyOf.flatMap((one) => fieldsOf(one, path));
  if (items) return fieldsOf(items, `${path}.[]`);
  const own = Object.entries(properties ?? {});
  if (own.length === 0) return path === "" ? [] : [path];
  return own.flatMap(([name, value]) => fieldsOf(value, path === "" ? name : `${path}.${name}`));
}
