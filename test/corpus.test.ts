// Every case of the golden corpus: foreign configuration → native configuration, diagnostics, and where requests go.
// `UPDATE_CORPUS=1 vitest run --project e2e test/corpus.test.ts` writes what is found as expected.
import { describe, expect, test } from "vitest";
import { convertConfig } from "#config/convert.ts";
import { formatConfig } from "#config/format.ts";
import { loadConfig } from "#config/load.ts";
import { formatDiagnostic } from "#contract/diagnostic.ts";
import { objectStatusText } from "../cli/status-text.ts";
import { formats, isUpdating, readCases, readGolden, writeGolden, type Golden } from "./corpus/read-cases.ts";
import { writeTable } from "./corpus/request-table.ts";
import { createRouter } from "./corpus/route-request.ts";

describe.each(formats.flatMap(readCases))("$name", ({ directory, files, table }) => {
  const { model, snapshot, diagnostics, statuses } = loadConfig(files);
  const compare = (golden: Golden, found: string): void => {
    if (isUpdating) writeGolden(directory, golden, found);
    expect(found).toBe(readGolden(directory, golden));
  };

  test("as native configuration", () => {
    compare("expected.yaml", model && snapshot ? formatConfig(model) : "");
  });

  test("diagnostics", () => {
    compare("diagnostics.txt", diagnostics.map((diagnostic) => `${formatDiagnostic(diagnostic)}\n`).join(""));
  });

  test("statuses of objects", () => {
    compare("status.txt", statuses ? `${objectStatusText(statuses)}\n` : "");
  });

  test.skipIf(!snapshot)("its native configuration converts to itself", () => {
    const { text } = convertConfig(files);
    const converted = [{ name: "isthmus.yaml", content: text! }];
    expect(convertConfig(converted).text).toBe(text);
    expect(convertConfig(files.toReversed()).text).toBe(text);
    expect(loadConfig(converted).snapshot).toEqual(snapshot);
  });

  test.skipIf(!snapshot)("requests", () => {
    const router = createRouter(snapshot!);
    compare("requests.txt", table.length === 0 ? "" : writeTable(table, router));
  });
});
