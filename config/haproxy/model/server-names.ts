// Names of servers, for rules that tell them in responses (`http-response set-header X-Served-By %s`).
import { wordAt, type Section } from "../statement.ts";
import type { ImportedBackend } from "./backends.ts";

/** Otherwise they are for HAProxy's logs and statistics. */
export function tellsServers(sections: readonly Section[]): boolean {
  return sections.some(({ statements }) =>
    statements.some(
      (statement) =>
        /^http-(?:after-)?response$/.test(wordAt(statement, 0)) &&
        statement.words.some(({ text }) => /%(?:\{[^}]*\})?s(?![A-Za-z])|\bsrv_name\b/.test(text)),
    ),
  );
}

/** Its endpoints have the names of their servers. */
export function withServerNames(imported: ImportedBackend): ImportedBackend {
  const { backend, endpoints } = imported;
  const named = backend.endpoints?.map((endpoint, index) => ({
    name: wordAt(endpoints[index]!, 1),
    ...endpoint,
  }));
  return named ? { ...imported, backend: { ...backend, endpoints: named } } : imported;
}
