// The JSON Schema of the native configuration, for editors and other tools; made from the zod schema.
import { z } from "zod";
import { nativeConfigSchema } from "./schema.ts";

/**
 * JSON Schema, draft 2020-12, of what users write: whatever has a default may be left out. `reused`: whether a part that stands
 * in several places stands once, behind references, which is a seventh of the text, or wherever it is used.
 */
export function nativeJsonSchema(reused: "ref" | "inline" = "ref"): Record<string, unknown> {
  const { $schema, ...schema } = z.toJSONSchema(nativeConfigSchema, { io: "input", reused });
  return { $schema, $id: "urn:isthmus:schema:config:1", title: "Isthmus configuration", ...schema };
}
