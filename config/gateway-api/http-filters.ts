// Filters of HTTPRoute and GRPCRoute → filters of the model, which are the same but for references.
import type { RouteInput } from "../kubernetes/model-parts.ts";
import type { ObjectField } from "../kubernetes/object.ts";
import type { Problem } from "./condition.ts";
import type { ExtensionFilter } from "./extension.ts";
import { joinFilters } from "./join-filters.ts";
import type { HttpFilter, PathModifier } from "./schema/filter.ts";
import type { BackendObjectRef } from "./schema/reference.ts";

export type FilterInput = NonNullable<RouteInput["rules"][number]["filters"]>[number];

export interface FilterContext {
  /** Name of the mirrored backend, or `undefined` when the problem has been noted. */
  backend(ref: BackendObjectRef, field: ObjectField): string | undefined;
  /** What an `extensionRef` stands for; `undefined`: its kind is not known. */
  extension(ref: NonNullable<HttpFilter["extensionRef"]>): ExtensionFilter | Problem | undefined;
  unresolved(problem: Problem, field: ObjectField): void;
  /** The rule of the field is invalid. */
  refuse(problem: Problem, field: ObjectField): void;
  /** An error: where traffic goes, or who may pass, would be otherwise than the object says. */
  unsupported(message: string, field: ObjectField): void;
}

/**
 * `undefined`: requests cannot be given what a filter promises, and are to be answered 500 (HTTPRouteFilter,
 * `extensionRef`: such a filter must not be skipped). `ExternalAuth` of a rule is no filter of the model; the caller has it.
 */
export function translateFilters(
  filters: readonly HttpFilter[],
  field: ObjectField,
  context: FilterContext,
): FilterInput[] | undefined {
  const types = filters.map(({ type }) => type);
  if (types.includes("RequestRedirect") && types.includes("URLRewrite")) {
    const message =
      "RequestRedirect and URLRewrite exclude each other: a redirected request goes to no backend";
    context.refuse({ reason: "IncompatibleFilters", message }, field);
    return undefined;
  }
  const translated: FilterInput[] = [];
  for (const [index, filter] of filters.entries()) {
    const at = { object: field.object, path: [...field.path, index] };
    if (filter.type === "ExtensionRef") {
      const { kind, group, name } = filter.extensionRef!;
      const message = `filters of kind ${kind}.${group} are not known here (${name}); the requests are answered 500`;
      const found = context.extension(filter.extensionRef!) ?? { reason: "InvalidKind", message };
      if ("reason" in found) {
        context.unresolved(found, at);
        return undefined;
      }
      translated.push(...found.filters);
      continue;
    }
    const made = translateFilter(filter, at, context);
    if (made) translated.push(made);
  }
  return joinFilters(translated);
}

function translateFilter(
  filter: HttpFilter,
  field: ObjectField,
  context: FilterContext,
): FilterInput | undefined {
  switch (filter.type) {
    case "RequestHeaderModifier":
      return { type: filter.type, requestHeaderModifier: filter.requestHeaderModifier! };
    case "ResponseHeaderModifier":
      return { type: filter.type, responseHeaderModifier: filter.responseHeaderModifier! };
    case "RequestRedirect": {
      const { path, ...others } = filter.requestRedirect!;
      return { type: filter.type, requestRedirect: { ...others, ...(path && { path: pathOf(path) }) } };
    }
    case "URLRewrite": {
      const { path, ...others } = filter.urlRewrite!;
      return { type: filter.type, urlRewrite: { ...others, ...(path && { path: pathOf(path) }) } };
    }
    case "CORS":
      return { type: filter.type, cors: filter.cors! };
    case "RequestMirror": {
      const { backendRef, ...share } = filter.requestMirror!;
      const at = { object: field.object, path: [...field.path, "requestMirror", "backendRef"] };
      const name = context.backend(backendRef, at);
      // "The controller must not configure this backend in the underlying implementation" (HTTPRequestMirrorFilter).
      return name === undefined
        ? undefined
        : { type: filter.type, requestMirror: { backendRef: { name }, ...share } };
    }
    default:
      if (field.path.includes("backendRefs"))
        context.unsupported(
          "ExternalAuth is for all requests of a rule; it cannot be had for one backend",
          field,
        );
      return undefined;
  }
}

function pathOf({ type, replaceFullPath, replacePrefixMatch }: PathModifier) {
  return type === "ReplaceFullPath"
    ? { type, replaceFullPath: replaceFullPath! }
    : { type, replacePrefixMatch: replacePrefixMatch! };
}
