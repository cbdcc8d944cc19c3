import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { nativeJsonSchema } from "./json-schema.ts";
import { configReference } from "./reference.ts";

test("isthmus.schema.json is what the schema says; `npm run schema` renews it", async () => {
  const file = await readFile(new URL("isthmus.schema.json", import.meta.url), "utf8");
  expect(JSON.parse(file)).toEqual(nativeJsonSchema());
});

test("the reference in docs/ is what the schema says; `npm run schema` renews it", async () => {
  const file = await readFile(new URL("../../docs/configuration-reference.md", import.meta.url), "utf8");
  expect(file).toBe(`${configReference()}\n`);
});

test("every field has a description, so that editors help", () => {
  const missing: string[] = [];
  const visit = (schema: unknown, path: string): void => {
    if (schema === null || typeof schema !== "object") return;
    for (const [key, inner] of Object.entries(schema)) {
      if (key === "properties") {
        for (const [name, field] of Object.entries(inner as Record<string, Record<string, unknown>>)) {
          if (!field["description"] && field["const"] === undefined) missing.push(`${path}.${name}`);
        }
      }
      visit(inner, key === "properties" || key === "items" ? path : `${path}.${key}`);
    }
  };
  visit(nativeJsonSchema("inline"), "");
  expect(missing).toEqual([]);
});
