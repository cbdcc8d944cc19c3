// `global-auth-*`: the authorization server of all Ingresses that have none of their own.
import type { Preset } from "../annotation/annotations.ts";
import { annotationPrefix } from "../annotation/annotations.ts";
import type { Ingress } from "../kinds.ts";
import type { Controller } from "./controller.ts";

/** Annotations that the setting of the same name stands for. */
const names = [
  "auth-always-set-cookie",
  "auth-method",
  "auth-request-redirect",
  "auth-response-headers",
  "auth-signin",
  "auth-signin-redirect-param",
  "auth-snippet",
  "auth-url",
] as const;

/** What annotations of the Ingress are where it does not have them. */
export function presetsFor(
  { annotations }: Ingress,
  { settings, presets }: Controller,
): ReadonlyMap<string, Preset> {
  const own = (name: string): string => annotations[annotationPrefix + name]?.trim() ?? "";
  const isExempt = /^(?:0|f|F|false|FALSE|False)$/.test(own("enable-global-auth"));
  if (settings.text("global-auth-url") === undefined || own("auth-url") !== "" || isExempt) return presets;
  const all = new Map(presets);
  for (const name of names) {
    const text = settings.text(`global-${name}`);
    if (text !== undefined) all.set(name, { text, field: settings.field(`global-${name}`) });
  }
  return all;
}
