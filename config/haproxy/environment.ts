// Environment variables (§2.3): those that HAProxy sets itself, those of the machine that the file is read on, which come
// with it, and what the file makes of them (`setenv`, `presetenv`, §3.1).
import { splitWords, type Word } from "./split-words.ts";

/** Variables and their values together are no longer than this; what is beyond stays unknown. */
const maxChars = 65_536;

const httpLog =
  "%ci:%cp [%tr] %ft %b/%s %TR/%Tw/%Tc/%Tr/%Ta %ST %B %CC %CS %tsc %ac/%fc/%bc/%sc/%rc %sq/%bq %hr %hs %{+Q}r";

/** Formats of logs (§8.2), for `log-format` to add to. */
export const ownVariables: ReadonlyMap<string, string> = new Map([
  ["HAPROXY_HTTP_LOG_FMT", httpLog],
  [
    "HAPROXY_HTTPS_LOG_FMT",
    `${httpLog} %[fc_err]/%[ssl_fc_err,hex]/%[ssl_c_err]/%[ssl_c_ca_err]/%[ssl_fc_is_resumed] %[ssl_fc_sni]/%sslv/%sslc`,
  ],
  ["HAPROXY_HTTP_CLF_LOG_FMT", '%{+Q}o %{-Q}ci - - [%trg] %r %ST %B "" "" %cp %ms %ft %b %s'],
  ["HAPROXY_TCP_LOG_FMT", "%ci:%cp [%t] %ft %b/%s %Tw/%Tc/%Tt %B %ts %ac/%fc/%bc/%sc/%rc %sq/%bq"],
]);

/** More than any configuration names; what is beyond is not there. */
const maxVariables = 256;

/** Names of the variables that a haproxy.cfg asks for, in all branches of its conditional blocks. Never throws. */
export function variablesNamedBy(lines: Iterable<string>): string[] {
  const names = new Set<string>();
  const recording = {
    has: () => true,
    get: (name: string): string => {
      names.add(name);
      return "";
    },
  };
  for (const line of lines) {
    const { words } = splitWords(line, recording);
    if (!/^\.(?:el)?if$/.test(words[0]?.text ?? "")) continue;
    for (const [, name] of line.matchAll(/defined\((\w+)\)/g)) names.add(name!);
  }
  return [...names].slice(0, maxVariables);
}

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
