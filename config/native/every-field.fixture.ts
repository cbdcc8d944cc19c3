// Values of a schema that have each of its fields at least once, found by trying: what the schema refuses is not one.
import { z } from "zod";

/** Texts of every kind that some field of the configuration expects. */
const texts = [
  "a",
  "/a",
  "a.example.com",
  "1s",
  "10.0.0.1",
  "10.0.0.0/8",
  "https://a.example.com/a",
  "a@example.com",
  "AAAA",
  "a".repeat(64),
  "spiffe://a.example.com/a",
  "https://a.example.com",
  "2026-01-01T00:00:00Z",
  "1:2",
  "$.a",
  ...["CERTIFICATE", "PRIVATE KEY", "X509 CRL"].map(
    (kind) => `-----BEGIN ${kind}-----\nAAAA\n-----END ${kind}-----\n`,
  ),
];
const numbers = [1, 2, 10, 100, 443, 500, 1_000, 10_000];

export interface EveryField {
  readonly values: readonly unknown[];
  /** Paths of fields that no value could be found with. */
  readonly missing: readonly string[];
}

export function everyField(schema: z.ZodType): EveryField {
  const search = new Search();
  return { values: search.valuesOf(schema, ""), missing: search.missing };
}

class Search {
  readonly missing: string[] = [];
  /** Parts of the schema stand in many places; elsewhere than at the first, one value will do. */
  readonly #first = new Map<z.ZodType, readonly unknown[]>();

  valuesOf(field: z.ZodType, path: string): readonly unknown[] {
    const schema = unwrapped(field);
    const known = this.#first.get(schema);
    if (known) return known;
    const values = this.#search(schema, path).filter((value) => field.safeParse(value).success);
    // But other fields hang on which word of an enumeration one is.
    this.#first.set(schema, schema instanceof z.ZodEnum ? values : values.slice(0, 1));
    return values;
  }

  #search(schema: z.ZodType, path: string): readonly unknown[] {
    if (schema instanceof z.ZodObject) return this.#objects(schema, path);
    if (schema instanceof z.ZodArray)
      return this.valuesOf(schema.element as z.ZodType, `${path}[]`).map((value) => [value]);
    if (schema instanceof z.ZodUnion)
      return (schema.options as z.ZodType[]).flatMap((option) => this.valuesOf(option, path));
    if (schema instanceof z.ZodLiteral) return [...schema.values];
    if (schema instanceof z.ZodEnum) return schema.options;
    if (schema instanceof z.ZodBoolean) return [true, false];
    const found = [...texts, ...numbers].find((value) => schema.safeParse(value).success);
    return found === undefined ? [] : [found];
  }

  #objects(schema: z.ZodObject, path: string): readonly unknown[] {
    const fields = Object.entries(schema.shape as Record<string, z.ZodType>).map(([key, field]) => {
      const values = this.valuesOf(field, `${path}.${key}`);
      return { key, values, isRequired: !field.safeParse(undefined).success };
    });
    const required = Object.fromEntries(
      fields.flatMap(({ key, values, isRequired }) => (isRequired ? [[key, values[0]]] : [])),
    );
    // Some fields only stand beside another one, a few beside two.
    const others = fields.flatMap(({ key, values }) =>
      values.slice(0, 16).map((value) => ({ [key]: value })),
    );
    return fields.flatMap(({ key, values }) => {
      const beside = (value: unknown, companions: Iterable<object>): readonly unknown[] => {
        for (const companion of companions) {
          const candidate = { ...required, ...companion, [key]: value };
          if (schema.safeParse(candidate).success) return [candidate];
        }
        return [];
      };
      let objects = values.flatMap((value) => beside(value, [{}, ...others]));
      if (objects.length === 0) objects = values.flatMap((value) => beside(value, pairsOf(others)));
      if (objects.length === 0) this.missing.push(`${path}.${key}`);
      return objects;
    });
  }
}

function* pairsOf(companions: readonly object[]): Iterable<object> {
  for (const one of companions) for (const other of companions) yield { ...one, ...other };
}

function unwrapped(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional || schema instanceof z.ZodNullable)
    return unwrapped(schema.unwrap() as z.ZodType);
  return schema;
}
