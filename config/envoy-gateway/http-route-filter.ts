// HTTPRouteFilter → filters of a rule, and the cookies that its requests must carry.
import type { Problem } from "../gateway-api/condition.ts";
import type { CookieMatch, ExtensionContext, ExtensionFilter } from "../gateway-api/extension.ts";
import type { FilterInput } from "../gateway-api/http-filters.ts";
import { qualifiedName } from "../kubernetes/object.ts";
import { responseOf } from "./custom-response.ts";
import { approximated, unsupported } from "../kubernetes/field-notes.ts";
import { referredText } from "./referred.ts";
import { envoyGroup } from "./schema/common.ts";
import { httpRouteFilterKind, type HttpRouteFilter } from "./schema/other-kinds.ts";

export function filterOf(
  { group, kind, name }: Readonly<Record<"group" | "kind" | "name", string>>,
  namespace: string,
  context: ExtensionContext,
): ExtensionFilter | Problem | undefined {
  if (group !== envoyGroup || kind !== "HTTPRouteFilter") return undefined;
  const filter = context.set.get(httpRouteFilterKind, namespace, name);
  const what = `HTTPRouteFilter ${qualifiedName({ namespace, name })}`;
  if (!filter) return { reason: "BackendNotFound", message: `there is no ${what}` };
  const { urlRewrite, directResponse, credentialInjection } = filter.body.spec;
  const answer = directResponse && responseOf(directResponse, namespace, context.set);
  if (typeof answer === "string") return { reason: "UnsupportedValue", message: `${what}: ${answer}` };
  const credential = credentialInjection && credentialOf(filter, context);
  if (typeof credential === "string")
    return { reason: "UnsupportedValue", message: `${what}: ${credential}` };
  const { path } = urlRewrite ?? {};
  return {
    filters: [
      ...(path ? [{ type: "URLRewrite", urlRewrite: { path } } satisfies FilterInput] : []),
      ...(answer ? [{ type: "DirectResponse", directResponse: answer } satisfies FilterInput] : []),
      ...(credential ? [credential] : []),
    ],
    cookies: cookiesOf(filter, context),
  };
}

/** Text: why the credential is not known. */
function credentialOf({ object, body }: HttpRouteFilter, context: ExtensionContext): FilterInput | string {
  const { credential, header = "Authorization", overwrite = false } = body.spec.credentialInjection!;
  const found = referredText(credential.valueRef, "credential", object, context);
  if ("problem" in found) return found.problem;
  if (!overwrite) {
    const place = { notes: context.notes, object, path: ["spec", "credentialInjection", "overwrite"] };
    approximated(place, `${header} is always replaced, also where the client has sent one`);
  }
  return {
    type: "RequestHeaderModifier",
    requestHeaderModifier: { set: [{ name: header, value: found.text.trim() }] },
  };
}

/** Several matches are alternatives, of which the model's conditions have none. */
function cookiesOf({ object, body }: HttpRouteFilter, { notes }: ExtensionContext): CookieMatch[] {
  const [first, ...others] = body.spec.matches ?? [];
  if (others.length > 0) {
    const place = { notes, object, path: ["spec", "matches"] };
    unsupported(place, "the cookies of the first match alone are asked for", "Write a rule for each match.");
  }
  return (first?.cookies ?? []).map(({ type = "Exact", name, value }) => ({ type, name, value }));
}
