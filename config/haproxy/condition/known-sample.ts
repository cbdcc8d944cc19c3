// Sample expressions that are the same for all requests where they stand.
import { subjectKey, type Sources, type Standpoint } from "./changes.ts";
import type { Subject } from "./condition.ts";
import { convertedText } from "./converters.ts";
import { convertKnown } from "./known-text.ts";
import { captureVariable, parseSample, type Call, type Sample } from "./sample.ts";

/** Log variables (§8.2.6) as the expressions that they stand for. */
const variables: Readonly<Record<string, string>> = {
  "%ci": "src",
  "%cp": "src_port",
  "%fp": "dst_port",
  "%f": "fe_name",
  "%b": "be_name",
  "%s": "srv_name",
  "%HM": "method",
  "%HP": "path",
  "%HPO": "path",
  "%HU": "url",
  "%HV": "req.ver,regsub(^,HTTP/)",
  "%ID": "unique-id",
  "%ST": "status",
  "%Ts": "date",
};

/** A sample expression, or a log variable. */
export function sampleOf(expression: string): Sample | undefined {
  return parseSample(Object.hasOwn(variables, expression) ? variables[expression]! : expression);
}

/** Value of a sample expression that is the same for all requests of the situation. */
export function knownSample(expression: string, situation: Standpoint): string | undefined {
  const sample = sampleOf(expression);
  return sample && knownValue(sample, situation);
}

export function knownValue(sample: Sample, situation: Standpoint): string | undefined {
  const fetched = knownFetch(sample.fetch, situation);
  if (fetched === undefined) return undefined;
  const converters = sample.converters.map((converter) => withKnownVariable(converter, situation));
  const kind = sample.fetch.name === "int" || sample.fetch.name === "bool" ? "number" : "text";
  const whole = convertedText(fetched, converters, kind);
  if (whole !== undefined) return whole;
  let value: string | undefined = fetched;
  for (const converter of converters) {
    if (value === undefined) return undefined;
    value = convertKnown(value, converter);
  }
  return value;
}

/** `concat(<start>,<variable>,<end>)` of a variable that is known is one of a word. */
export function withKnownVariable(converter: Call, situation: Standpoint): Call {
  const [start = "", variable = "", end = ""] = converter.args;
  if (converter.name !== "concat" || variable === "") return converter;
  const value = knownFetch({ name: "var", args: [variable] }, situation);
  return value === undefined ? converter : { name: "concat", args: [start + value + end] };
}

/** Fetches of whichever message a rule is for. */
export const ofMessage = /^(?:res[._])?(?:f?hdr|cook)$|^(?:status|srv_name)$/;

export function knownFetch(
  { name, args }: Call,
  { surroundings, draft, message }: Standpoint,
): string | undefined {
  if (message === "response" && ofMessage.test(name)) return undefined;
  const subject = subjectOf(name, args);
  const key = subject && subjectKey(subject);
  if (key !== undefined && draft.changes.has(key)) {
    const changed = draft.changes.get(key);
    return typeof changed === "object" ? (changed === null ? "" : undefined) : changed;
  }
  const { listener, host } = surroundings;
  switch (name) {
    case "str":
      return args[0] ?? "";
    case "int":
    case "bool":
      return args[0];
    case "ssl_fc":
      return listener.tls ? "1" : "0";
    case "fe_name":
      return surroundings.frontend;
    case "be_name":
      return draft.backend;
    case "dst_port":
      return listener.port === undefined ? undefined : String(listener.port);
    default:
      if (subject?.type === "host" && host.kind === "exact") return host.name;
      return subject?.type === "variable" ? "" : undefined;
  }
}

/** What a fetch looks at that rules may change. */
export function subjectOf(name: string, args: readonly string[]): Subject | undefined {
  const argument = args[0] ?? "";
  if (name === "path") return { type: "path" };
  if (name === "var") return { type: "variable", name: argument };
  if (!/^(?:req\.|req_)?f?hdr$/.test(name)) return undefined;
  return argument.toLowerCase() === "host"
    ? { type: "host", port: true }
    : { type: "header", name: argument.toLowerCase(), elements: false };
}

/** A variable in front is what it was made of. */
export function withSources(expression: string, sources: Sources): string {
  const found = /^(?:var\(([\w.-]+)\)|capture\.req\.hdr\(([0-9]+)\))/.exec(expression);
  const source = found && sources.get(found[1] ?? captureVariable(found[2]!));
  return found && source !== undefined ? source + expression.slice(found[0].length) : expression;
}
