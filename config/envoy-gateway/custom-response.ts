// `CustomResponse` → a response that the gateway words itself, its body from a ConfigMap where it says so.
import type { FilterInput } from "../gateway-api/http-filters.ts";
import { configMapKind } from "../kubernetes/core-kinds.ts";
import { qualifiedName } from "../kubernetes/object.ts";
import type { ResourceSet } from "../kubernetes/resource-set.ts";
import { withFields } from "../with-fields.ts";
import type { CustomResponse } from "./schema/common.ts";

type ResponseInput = Extract<FilterInput, { type: "DirectResponse" }>["directResponse"];

/** Text: why there is no such response. */
export function responseOf(
  { contentType, body, statusCode, header }: CustomResponse,
  namespace: string,
  set: ResourceSet,
): ResponseInput | string {
  const inline = body && bodyText(body, namespace, set);
  if (inline && "problem" in inline) return inline.problem;
  const { set: put, add } = header ?? {};
  return {
    ...withFields({ contentType, statusCode }),
    ...(inline && { body: { inline: inline.text } }),
    ...((put ?? add) && { header: withFields({ set: put, add }) }),
  };
}

function bodyText(
  { type, inline = "", valueRef }: NonNullable<CustomResponse["body"]>,
  namespace: string,
  set: ResourceSet,
): { text: string } | { problem: string } {
  if (type !== "ValueRef" || !valueRef) return { text: inline };
  const { name } = valueRef;
  const data = set.get(configMapKind, namespace, name)?.body.data ?? {};
  const text = data["response.body"] ?? Object.values(data)[0];
  const problem = `there is no ConfigMap ${qualifiedName({ namespace, name })} with a body in response.body`;
  return text === undefined ? { problem } : { text };
}
