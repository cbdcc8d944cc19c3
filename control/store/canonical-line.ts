// The canonical JSON of a route or backend, worked out once however often it is hashed, sent and compared.
import { canonicalJson } from "#contract/canonical-json.ts";

const lines = new WeakMap<object, string>();

export function canonicalLine(item: object): string {
  let line = lines.get(item);
  if (line === undefined) {
    line = canonicalJson(item);
    lines.set(item, line);
  }
  return line;
}
