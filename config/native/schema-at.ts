// Which schema applies at a place of a document.
import { z } from "zod";
import type { Path } from "../report.ts";

/** Without defaults and optionality; the document's own values choose the branch of a union. `undefined`: none applies. */
export function schemaAt(root: z.ZodType, value: unknown, path: Path): z.ZodType | undefined {
  let schema = concreteSchema(root, value);
  let current = value;
  for (const step of path) {
    current = (current as Record<string | number, unknown> | null | undefined)?.[step];
    const inner = innerSchema(schema, step);
    if (!inner) return undefined;
    schema = concreteSchema(inner, current);
  }
  return schema;
}

function innerSchema(schema: z.ZodType, step: string | number): z.ZodType | undefined {
  if (schema instanceof z.ZodArray) return schema.element as z.ZodType;
  return schema instanceof z.ZodObject ? (schema.shape as Record<string, z.ZodType>)[step] : undefined;
}

/** A schema without defaults, optionality and null, and the branch of a union that the value chooses. */
export function concreteSchema(schema: z.ZodType, value: unknown): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) {
    return concreteSchema(schema.unwrap() as z.ZodType, value);
  }
  if (schema instanceof z.ZodDiscriminatedUnion) {
    const { discriminator } = schema.def;
    const type = (value as Record<string, unknown> | null | undefined)?.[discriminator];
    const branch = (schema.options as z.ZodType[]).find(
      (option) => innerSchema(option, discriminator)?.safeParse(type).success,
    );
    return branch ?? schema;
  }
  return schema;
}
