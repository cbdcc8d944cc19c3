// Which variables a sample expression reads, besides what it does with them.
import type { Call, Sample } from "./sample.ts";

export interface Comparison {
  readonly sample: Sample;
  readonly variable: string;
  /** What the comparison gives where both are equal. */
  readonly equal: "0" | "1";
}

/** `strcmp(name)` and `secure_memcmp(name)` at the end. */
export function comparedVariable({ fetch, converters }: Sample): Comparison | undefined {
  const last = converters.at(-1);
  const equal = last?.name === "strcmp" ? "0" : last?.name === "secure_memcmp" ? "1" : undefined;
  if (!last || equal === undefined) return undefined;
  return {
    sample: { fetch, converters: converters.slice(0, -1) },
    variable: last.args[0] ?? "",
    equal,
  };
}

/** Names. */
export function variablesOf({ fetch, converters }: Sample): string[] {
  const inFront = fetch.name === "var" ? [fetch.args[0] ?? ""] : [];
  return [...inFront, ...converters.flatMap(variableOfConverter)].filter((name) => name !== "");
}

function variableOfConverter({ name, args }: Call): string[] {
  if (name === "concat") return [args[1] ?? ""];
  return name === "strcmp" || name === "secure_memcmp" ? [args[0] ?? ""] : [];
}
