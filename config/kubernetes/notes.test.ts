import { expect, test } from "vitest";
import { limits } from "#contract/limits.ts";
import { createNotes, fieldOf } from "./notes.ts";
import type { KubernetesObject } from "./object.ts";

test("places are looked for only of what is shown, each once", () => {
  let looked = 0;
  const object: KubernetesObject = {
    group: "",
    version: "v1",
    kind: "Service",
    namespace: "default",
    name: "web",
    value: {},
    locate: (path) => {
      looked += 1;
      return { file: "f", path, line: 1, column: 1 };
    },
  };
  const notes = createNotes();
  for (let index = 0; index < 3 * limits.diagnosticsPerSeverity; index += 1) {
    for (let again = 0; again < 2; again += 1) {
      notes.add(fieldOf(object, "spec", index), { code: "field-unknown", message: "x" });
    }
  }
  expect(looked).toBe(limits.diagnosticsPerSeverity);
  expect(notes.diagnostics()).toHaveLength(limits.diagnosticsPerSeverity + 1);
});
