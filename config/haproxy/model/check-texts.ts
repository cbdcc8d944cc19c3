// Texts of checks, with the variables that their rules set: all of it must be known beforehand, since nobody is there to ask.
import { parseFormat } from "../action/format.ts";
import { convertedText } from "../condition/converters.ts";
import { convertKnown } from "../condition/known-text.ts";
import { parseSample } from "../condition/sample.ts";
import { invalid, unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";

const unknown = "what a check says cannot depend on anything";
const remedy = "Write a fixed text.";

export class CheckTexts {
  readonly #backend: string;
  readonly #server: string | undefined;
  /** `undefined`: not known. */
  readonly #variables = new Map<string, string | undefined>();

  /** Names in HAProxy. `server`: of the only one that there is. */
  constructor(backend: string, server: string | undefined) {
    this.#backend = backend;
    this.#server = server;
  }

  /** Whether the rule is about a variable, which is then taken note of. */
  takes(statement: Statement): boolean {
    const action = wordAt(statement, 1);
    const found = /^(set-var|set-var-fmt|unset-var)(?:\(([\w.-]+)(?:,[^)]*)?\))?$/.exec(action);
    if (!found) return false;
    const [, kind, name] = found;
    if (name === undefined) return invalid("expected `set-var(<scope>.<name>) <expression>`");
    const text = wordAt(statement, 2);
    const value = kind === "set-var" ? this.#known(text) : kind === "unset-var" ? "" : this.#format(text);
    this.#variables.set(name, value);
    return true;
  }

  /** A log-format string. Throws `StatementProblem` where it is not known. */
  format(text: string): string {
    return this.#format(text) ?? unsupported(unknown, remedy);
  }

  /** A sample expression, or a number as it is. */
  sample(text: string): string {
    if (/^[0-9]+$/.test(text)) return text;
    return this.#known(text) ?? unsupported(unknown, remedy);
  }

  #format(text: string): string | undefined {
    const pieces = parseFormat(text).map((piece) =>
      piece.kind === "text" ? piece.text : this.#known(piece.expression),
    );
    return pieces.includes(undefined) ? undefined : pieces.join("");
  }

  #known(expression: string): string | undefined {
    const sample = parseSample(expression);
    const fetched = sample && this.#fetch(sample.fetch.name, sample.fetch.args);
    if (!sample || fetched === undefined) return undefined;
    const converted = convertedText(fetched, sample.converters, "text");
    if (converted !== undefined) return converted;
    return sample.converters.reduce<string | undefined>(
      (value, converter) => (value === undefined ? undefined : convertKnown(value, converter)),
      fetched,
    );
  }

  #fetch(name: string, [argument = ""]: readonly string[]): string | undefined {
    if (name === "str" || name === "int" || name === "bool") return argument;
    if (name === "be_name") return this.#backend;
    if (name === "srv_name") return this.#server;
    if (name !== "var") return undefined;
    return this.#variables.has(argument) ? this.#variables.get(argument) : "";
  }
}
