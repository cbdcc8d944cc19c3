// Fields of Gateways that are not honoured here.
import { fieldOf, type Notes } from "../kubernetes/notes.ts";
import type { Gateway } from "./schema/gateway-kinds.ts";

export function noteUnsupported({ object, body: { spec } }: Gateway, notes: Notes): void {
  const { infrastructure } = spec;
  if (infrastructure?.labels ?? infrastructure?.annotations) {
    notes.add(fieldOf(object, "spec", "infrastructure"), {
      code: "statement-ignored",
      message: "no objects are made for the Gateway that labels and annotations could go to",
    });
  }
  for (const [index, listener] of spec.listeners.entries()) {
    for (const name of Object.keys(listener.tls?.options ?? {})) {
      notes.add(fieldOf(object, "spec", "listeners", index, "tls", "options", name), {
        code: "statement-ignored",
        message: `the TLS option ${name} means nothing here`,
      });
    }
  }
}
