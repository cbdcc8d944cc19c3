// Private keys stay with who serves TLS, or shows their certificate to endpoints: configurations are handed on, stored and shown without them.
import { isMap, isScalar, isSeq, parseAllDocuments, type Node } from "yaml";
import type { SourceFile } from "#contract/admin.ts";

/** `Secret` fields that hold a private key: that of a certificate, and that of a certificate authority. */
const secretFields = ["tls.key", "ca.key"];
/** The same in Istio's words, where there is the certificate, too: else `key` may be any name. */
const istioFields = { certificate: "cert", key: "key" };

/**
 * The files with every private key emptied; all other text, and the number of every line, stays as it is. What is left
 * says that there is a certificate. The files must have been read without an error before.
 */
export function redactKeys(files: readonly SourceFile[]): SourceFile[] {
  return files.map((file) => (mayHoldKeys(file) ? { ...file, content: redact(file.content) } : file));
}

function mayHoldKeys({ content }: SourceFile): boolean {
  return content.includes("privateKey") || content.includes("Secret");
}

function redact(content: string): string {
  const documents = parseAllDocuments(content, { version: "1.2", schema: "core", uniqueKeys: false });
  const ranges = (Array.isArray(documents) ? documents : []).flatMap(({ contents }) =>
    keysIn(contents as Node | null),
  );
  let text = content;
  for (const [start, end] of ranges.sort(([a], [b]) => b - a)) {
    const lines = text.slice(start, end).split("\n").length - 1;
    text = `${text.slice(0, start)}""${"\n".repeat(lines)}${text.slice(end)}`;
  }
  return text;
}

type Range = [start: number, end: number];

function keysIn(root: Node | null): Range[] {
  if (!isMap(root)) return [];
  if (root.get("kind") === "Secret") {
    return ["data", "stringData"].flatMap((part) => {
      const isPair = root.hasIn([part, istioFields.certificate]);
      const fields = isPair ? [...secretFields, istioFields.key] : secretFields;
      return fields.flatMap((field) => rangesAt(root, [part, field]));
    });
  }
  return [
    ...itemsAt(root, ["items"]).flatMap(keysIn),
    ...itemsAt(root, ["listeners"]).flatMap((listener) =>
      itemsAt(listener, ["tls", "certificates"]).flatMap((pair) => rangesAt(pair, ["privateKey"])),
    ),
    ...itemsAt(root, ["backends"]).flatMap((backend) =>
      rangesAt(backend, ["tls", "clientCertificate", "privateKey"]),
    ),
  ];
}

function itemsAt(node: Node, path: readonly string[]): Node[] {
  const found = isMap(node) ? node.getIn(path, true) : undefined;
  return isSeq(found) ? (found.items as Node[]) : [];
}

function rangesAt(node: Node, path: readonly string[]): Range[] {
  const found = isMap(node) ? node.getIn(path, true) : undefined;
  return isScalar(found) && found.range ? [[found.range[0], found.range[1]]] : [];
}
