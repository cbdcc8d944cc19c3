// Environment variables as far as the file itself sets them (`setenv`, `presetenv`, §3.1); those of the machine that
// HAProxy ran on are not known.
import type { Word } from "./split-words.ts";

/** Variables and their values together are no longer than this; what is beyond stays unknown. */
const maxChars = 65_536;

/** What a statement of the global section makes of the variables. */
export function changeEnvironment(environment: Map<string, string>, words: readonly Word[]): void {
  const [keyword, name, value] = words.map((word) => word.text);
  switch (keyword) {
    case "setenv":
    case "presetenv":
      if (name === undefined || value === undefined) return;
      if (keyword === "presetenv" && environment.has(name)) return;
      if (charsOf(environment) + name.length + value.length <= maxChars) environment.set(name, value);
      return;
    case "unsetenv":
      for (const word of words.slice(1)) environment.delete(word.text);
      return;
    case "resetenv": {
      const kept = new Set(words.slice(1).map((word) => word.text));
      for (const known of environment.keys()) if (!kept.has(known)) environment.delete(known);
    }
  }
}

function charsOf(environment: ReadonlyMap<string, string>): number {
  let chars = 0;
  for (const [name, value] of environment) chars += name.length + value.length;
  return chars;
}
