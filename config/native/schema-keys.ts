// Which keys the schema knows at a place of a document; for suggestions.
import { z } from "zod";
import type { Path } from "../report.ts";

/** Keys of the object at `path`; the document's own values choose the branch of a union. Empty where there is no object. */
export function schemaKeys(root: z.ZodType, value: unknown, path: Path): string[] {
  let schema = concrete(root, value);
  let current = value;
  for (const step of path) {
    current = (current as Record<string | number, unknown> | null | undefined)?.[step];
    const inner =
      schema instanceof z.ZodArray
        ? schema.element
        : schema instanceof z.ZodObject
          ? (schema.shape as Record<string, z.ZodType>)[step]
          : undefined;
    if (!inner) return [];
    schema = concrete(inner as z.ZodType, current);
  }
  return schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
}

/** Strips defaults and optionality, and picks the branch of a discriminated union. */
function concrete(schema: z.ZodType, value: unknown): z.ZodType {
  if (schema instanceof z.ZodDefault || schema instanceof z.ZodOptional) {
    return concrete(schema.unwrap() as z.ZodType, value);
  }
  if (schema instanceof z.ZodDiscriminatedUnion) {
    const branch = schema.options.find((option) => {
      const { discriminator } = schema.def;
      const type = option instanceof z.ZodObject ? option.shape[discriminator] : undefined;
      return (type as z.ZodType | undefined)?.safeParse((value as Record<string, unknown>)?.[discriminator])
        .success;
    });
    return branch ? concrete(branch as z.ZodType, value) : schema;
  }
  return schema;
}
