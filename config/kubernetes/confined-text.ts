// Of a manifest that is no YAML: whether it is certain from its text that nobody but its namespaces misses it. What could be a
// policy, or say something of the whole cluster, is missed by others: they would be served without what protects them.

/** Without one of these fewer requests are served, never more. */
const confinedKinds: ReadonlySet<string> = new Set([
  "Deployment",
  "EndpointSlice",
  "Endpoints",
  "GRPCRoute",
  "HTTPRoute",
  "Ingress",
  "Pod",
  "ReferenceGrant",
  "Secret",
  "Service",
  "ServiceAccount",
  "TCPRoute",
  "TLSRoute",
  "UDPRoute",
  "VirtualService",
]);

export function isConfinedKind(kind: string): boolean {
  return confinedKinds.has(kind);
}

/** Every document says at the beginning of lines which kind it is of, and names a namespace. */
export function isConfined(text: string): boolean {
  const documents = text.split(/^---(?=\s|$).*$/m).filter((one) => /^[^#\s]/m.test(one));
  return documents.length > 0 && documents.every(isConfinedDocument);
}

function isConfinedDocument(text: string): boolean {
  const kinds = [...text.matchAll(/^kind:[ \t]*["']?([A-Za-z]+)["']?[ \t]*(?:#.*)?$/gm)].map(
    ([, kind]) => kind!,
  );
  const objects = text.match(/\bapiVersion\b/g) ?? [];
  const namespaces = [...text.matchAll(/\bnamespace["']?:[ \t]*["']?([a-z0-9-]+)/g)];
  const isOne = kinds.length === 1 && objects.length === 1;
  return isOne && confinedKinds.has(kinds[0]!) && namespaces.length > 0;
}
