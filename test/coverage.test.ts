// docs/coverage.md cannot go stale: what it names exists, and no field of the schema is missing.
import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { configReference } from "#config/native/reference.ts";

const root = resolve(import.meta.dirname, "..");

/** The reference in front of its list of findings, whose codes are no fields. */
const reference = configReference().split("\n## Findings")[0]!;

/** Every field, as the reference writes it: `[]` for entries, `(TYPE)` for branches. */
const fields = [
  ...[...reference.matchAll(/^\| `([^`]+)` \|/gm)].map(([, field]) => field!),
  ...[...reference.matchAll(/^## (\S+)$/gm)].map(([, field]) => field!),
];

interface Row {
  readonly feature: string;
  readonly fields: readonly string[];
  /** File, and text that stands in it; empty: the file as a whole. */
  readonly tests: readonly (readonly [file: string, title: string])[];
}

const rows = readFileSync(join(root, "docs/coverage.md"), "utf8").split("\n").flatMap(readRow);

function readRow(line: string): Row[] {
  if (!line.startsWith("| ") || line.startsWith("| **") || /^\| (feature|---) /.test(line)) return [];
  const [feature = "", configured = "", shown = ""] = line.slice(1, -1).split("|");
  return [
    {
      feature: feature.trim(),
      fields: [...configured.matchAll(/`([^`]+)`/g)].map(([, field]) => field!),
      tests: [...shown.matchAll(/`([^`]+)`([^`]*)/g)].map(([, file, title]) => [
        file!,
        title!.replace(/;\s*$/, "").trim(),
      ]),
    },
  ];
}

const isBelow = (field: string, place: string): boolean =>
  field === place || (field.startsWith(place) && /^[.[(]/.test(field.slice(place.length)));

test("the page has rows", () => expect(rows.length).toBeGreaterThan(50));

describe.each(rows)("$feature", ({ fields: named, tests }) => {
  test.skipIf(named.length === 0)("its fields exist", () => {
    for (const field of named) {
      const below = fields.filter((other) => isBelow(other, field));
      expect(below.length, field).toBeGreaterThan(0);
      // A row that stands for half of the schema would say nothing.
      expect(below.length, field).toBeLessThan(90);
    }
  });

  test("its tests exist, by file and title", () => {
    expect(tests.length).toBeGreaterThan(0);
    for (const [file, title] of tests) {
      expect(existsSync(join(root, file)), file).toBe(true);
      expect(readFileSync(join(root, file), "utf8"), `${file}: ${title}`).toContain(title);
    }
  });
});

test("every field of the schema stands under a row", () => {
  const named = rows.flatMap((row) => row.fields);
  const isContainer = (field: string): boolean =>
    fields.some((other) => other !== field && isBelow(other, field));
  const missing = fields.filter(
    (field) => !isContainer(field) && !named.some((place) => isBelow(field, place)),
  );
  expect(missing).toEqual([]);
});
