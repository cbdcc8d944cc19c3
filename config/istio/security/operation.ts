// `to[].operation` → what is asked.
import { methodSchema } from "#contract/http-route.ts";
import { encodePath, literal } from "../../pattern-text.ts";
import type { Operation } from "../kinds/security.ts";
import { at, unsupported, type Place } from "../../kubernetes/field-notes.ts";
import { putOperation, type Operation as ModelOperation, type RuleDraft } from "./rule-draft.ts";

type PathCondition = NonNullable<ModelOperation["paths"]>[number];
type Method = NonNullable<ModelOperation["methods"]>[number];

/** `ports`: those by which the requests come in where the policy holds. */
export function addOperation(
  operation: Operation,
  ports: readonly number[],
  draft: RuleDraft,
  place: Place,
): void {
  const { hosts, notHosts, methods, notMethods, paths, notPaths } = operation;
  if (hosts?.length) putOperation(draft, "hosts", hosts.map(hostPattern), at(place, "hosts"));
  if (notHosts?.length) putOperation(draft, "notHosts", notHosts.map(hostPattern), at(place, "notHosts"));
  if (paths?.length) putPaths("paths", paths);
  if (notPaths?.length) putPaths("notPaths", notPaths);
  if (methods?.length) {
    const known = methodsOf(methods);
    // The gateway takes no other methods.
    if (known.length === 0) draft.isVoid = true;
    else if (known.length < methodSchema.options.length)
      putOperation(draft, "methods", known, at(place, "methods"));
  }
  const unwanted = methodsOf(notMethods ?? []);
  if (unwanted.length > 0) putOperation(draft, "notMethods", unwanted, at(place, "notMethods"));
  if (operation.ports?.length && !ports.some((port) => operation.ports!.includes(String(port))))
    draft.isVoid = true;
  if (operation.notPorts?.some((port) => ports.includes(Number(port)))) draft.isVoid = true;

  function putPaths(key: "paths" | "notPaths", texts: readonly string[]): void {
    const field = at(place, key);
    const conditions = texts.map((text, index) => pathCondition(text, at(field, index)));
    putOperation(draft, key, conditions, field);
  }
}

/** Hosts compare without case, and here without the port that the client wrote. */
function hostPattern(host: string): string {
  return host.toLowerCase().replace(/:(?:[0-9]+|\*)$/, "");
}

function methodsOf(patterns: readonly string[]): Method[] {
  return methodSchema.options.filter((method) =>
    patterns.some((pattern) => {
      if (pattern.startsWith("*")) return method.endsWith(pattern.slice(1));
      return pattern.endsWith("*") ? method.startsWith(pattern.slice(0, -1)) : method === pattern;
    }),
  );
}

/** Texts with `*` at one end, or templates with `{*}` for an element and `{**}` for the rest (Envoy `uri_template`). */
function pathCondition(text: string, place: Place): PathCondition {
  if (text === "*") return { type: "PathPrefix", value: "/" };
  if (text.includes("{")) return { type: "RegularExpression", value: templatePattern(text, place) };
  if (text.startsWith("*")) return pattern(`.*${literal(encodePath(text.slice(1)))}`);
  if (text.endsWith("*")) return pattern(`${literal(encodePath(text.slice(0, -1)))}.*`);
  return { type: "Exact", value: encodePath(text) };
}

function pattern(value: string): PathCondition {
  return { type: "RegularExpression", value };
}

function templatePattern(text: string, place: Place): string {
  const parts = text.split(/(\{\*\*?\})/);
  if (parts.some((part, index) => index % 2 === 0 && /[{}*]/.test(part))) {
    unsupported(place, "expected {*} for an element of the path and {**} for what is left of it");
  }
  return parts
    .map((part) => (part === "{*}" ? "[^/]+" : part === "{**}" ? ".*" : literal(encodePath(part))))
    .join("");
}
