// Sample expressions (`hdr(host),lower,field(1,:)`): a fetch method and converters, each with arguments (§7.1).

export interface Call {
  readonly name: string;
  readonly args: readonly string[];
}

export interface Sample {
  readonly fetch: Call;
  readonly converters: readonly Call[];
}

/** More than any expression of a person has; what is longer is refused before it is worked on. */
const maxChars = 4_096;

/** `undefined`: not an expression. */
export function parseSample(text: string): Sample | undefined {
  if (text.length > maxChars) return undefined;
  const calls: Call[] = [];
  let rest = text;
  while (true) {
    const name = /^[A-Za-z][\w.-]*/.exec(rest)?.[0];
    if (name === undefined) return undefined;
    rest = rest.slice(name.length);
    let args: string[] = [];
    if (rest.startsWith("(")) {
      const read = readArguments(rest);
      if (!read) return undefined;
      args = read.args;
      rest = rest.slice(read.chars);
    }
    calls.push({ name, args });
    if (rest === "") break;
    if (!rest.startsWith(",")) return undefined;
    rest = rest.slice(1);
  }
  return { fetch: withoutCapture(calls[0]!), converters: calls.slice(1) };
}

/** The expression that gives the sample. */
export function writtenSample({ fetch, converters }: Sample): string {
  return [fetch, ...converters]
    .map(({ name, args }) => (args.length === 0 ? name : `${name}(${args.map(writtenArgument).join(",")})`))
    .join(",");
}

function writtenArgument(text: string): string {
  return /[,()"' ]/.test(text) ? `"${text.replace(/"/g, `"'"'"`)}"` : text;
}

/** What rules have captured is kept in variables. */
function withoutCapture(fetch: Call): Call {
  return fetch.name === "capture.req.hdr" && fetch.args.length === 1
    ? { name: "var", args: [captureVariable(fetch.args[0]!)] }
    : fetch;
}

/** Of a slot's number. */
export function captureVariable(slot: number | string): string {
  return `txn.capture.${slot}`;
}

/** Arguments in parentheses; quotes and backslashes keep commas and parentheses from ending one. */
function readArguments(text: string): { args: string[]; chars: number } | undefined {
  const args: string[] = [];
  let argument = "";
  let quote = "";
  for (let index = 1; index < text.length; index += 1) {
    const character = text[index]!;
    if (quote !== "") {
      if (character === quote) quote = "";
      else argument += character;
    } else if (character === '"' || character === "'") quote = character;
    else if (character === "\\" && index + 1 < text.length) {
      index += 1;
      const next = text[index]!;
      argument += /[,()\\"' ]/.test(next) ? next : `\\${next}`;
    } else if (character === "," || character === ")") {
      args.push(argument);
      argument = "";
      if (character === ")")
        return { args: args.length === 1 && args[0] === "" ? [] : args, chars: index + 1 };
    } else argument += character;
  }
  return undefined;
}
