// docs/configuration-reference.md, made from the schema and the list of codes so that it cannot go stale.
import { diagnosticCodes } from "../diagnostic-code.ts";
import { nativeJsonSchema } from "./json-schema.ts";

/** The part of JSON Schema that zod writes for the configuration. */
interface FieldSchema {
  readonly $ref?: string;
  readonly allOf?: readonly FieldSchema[];
  readonly oneOf?: readonly FieldSchema[];
  readonly anyOf?: readonly FieldSchema[];
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly items?: FieldSchema;
  readonly properties?: Readonly<Record<string, FieldSchema>>;
  readonly required?: readonly string[];
  readonly description?: string;
}

/** Markdown. */
export function configReference(): string {
  const root = nativeJsonSchema("inline") as FieldSchema;
  const sections = Object.entries(root.properties ?? {}).map(([key, schema]) => {
    const rows = new ReferenceRows();
    rows.addFields(key, schema);
    const fields = rows.rows.length > 0 ? `\n\n${table(["field", "value", "meaning"], rows.rows)}` : "";
    return `## ${key}\n\n${schema.description ?? ""}${fields}`;
  });
  const codes = Object.entries(diagnosticCodes).map(([code, { severity, meaning }]) => [
    `\`${code}\``,
    severity,
    meaning,
  ]);
  return [
    "# Configuration reference",
    "Made by `npm run schema`; see [configuration.md](configuration.md) for how things go together. `[]` stands for each entry of a list. What is not marked as required may be left out.",
    ...sections,
    `## Findings\n\nAn error refuses the configuration, a warning does not.\n\n${table(["code", "severity", "meaning"], codes)}`,
  ].join("\n\n");
}

class ReferenceRows {
  readonly rows: string[][] = [];
  /** Schemas that occur more than once are described at the first place. */
  readonly #described = new Map<string, string>();

  addFields(path: string, schema: FieldSchema): void {
    if (schema.items) this.addFields(`${path}[]`, schema.items);
    for (const branch of schema.oneOf ?? []) {
      const type = branch.properties?.["type"]?.const;
      this.addFields(type === undefined ? path : `${path}(${String(type)})`, branch);
    }
    for (const [name, field] of Object.entries(schema.properties ?? {})) {
      if (field.const === undefined || field.description) this.#addField(`${path}.${name}`, field, schema);
    }
  }

  #addField(path: string, field: FieldSchema, parent: FieldSchema): void {
    const name = path.slice(path.lastIndexOf(".") + 1);
    const required = parent.required?.includes(name) ? ", required" : "";
    const identity = JSON.stringify(field);
    const before = this.#described.get(identity);
    const hasFields = identity.includes('"properties"');
    const meaning = before && hasFields ? `As \`${before}\`.` : (field.description ?? "");
    this.rows.push([`\`${path}\``, `${valueText(field)}${required}`, meaning]);
    if (before && hasFields) return;
    this.#described.set(identity, path);
    this.addFields(path, field);
  }
}

function valueText(schema: FieldSchema): string {
  const reference = schema.$ref ?? schema.allOf?.find(({ $ref }) => $ref)?.$ref;
  if (reference) return reference.slice(reference.lastIndexOf("/") + 1).toLowerCase();
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum) return schema.enum.map(code).join(", ");
  if (schema.items) return `list of ${valueText(schema.items)}`;
  if (schema.anyOf) return schema.anyOf.map(valueText).join(" or ");
  switch (schema.type) {
    case "integer":
    case "number":
      return `${schema.type === "integer" ? "whole number" : "number"}${range(schema)}`;
    case "string":
      return "text";
    case "null":
      return "`null`";
    case "boolean":
      return "`true`, `false`";
    default:
      return "map";
  }
}

function range({ minimum, maximum }: FieldSchema): string {
  // zod writes the safe integers as bounds where there are none.
  if (minimum === undefined || maximum === undefined || maximum === Number.MAX_SAFE_INTEGER) return "";
  return `, ${minimum} to ${maximum}`;
}

function code(value: unknown): string {
  return `\`${String(value)}\``;
}

function table(head: string[], rows: string[][]): string {
  const line = (cells: string[]) => `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
