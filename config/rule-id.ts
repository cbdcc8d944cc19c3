// The name of a rule across logs, metrics and diagnostics.

interface NamedRoute {
  readonly name: string;
  readonly rules: readonly { readonly name?: string | undefined }[];
}

/** `<route>/<rule name>`, or `<route>/<index>`. Unique, since names of rules start with a letter and have no `/`. */
export function ruleId(route: NamedRoute, ruleIndex: number): string {
  return `${route.name}/${route.rules[ruleIndex]?.name ?? ruleIndex}`;
}
