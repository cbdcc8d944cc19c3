// Why a statement cannot be translated. Thrown deep inside, noted where the statement is known.
import type { DiagnosticCode } from "../diagnostic-code.ts";
import type { Note, Notes } from "./notes.ts";
import type { Word } from "./split-words.ts";
import type { Statement } from "./statement.ts";

interface ProblemDetails {
  readonly code: DiagnosticCode;
  readonly message: string;
  readonly remedy?: string | undefined;
  readonly mistyped?: Note["mistyped"];
  readonly word?: Word | undefined;
}

export class StatementProblem extends Error {
  readonly details: ProblemDetails;

  constructor(details: ProblemDetails) {
    super(details.message);
    this.details = details;
  }
}

/** HAProxy would refuse it, too. */
export function invalid(
  message: string,
  options: { remedy?: string; mistyped?: NonNullable<Note["mistyped"]>; word?: Word | undefined } = {},
): never {
  throw new StatementProblem({ code: "argument-invalid", message, ...options });
}

/** HAProxy would take it, but here it would mean something else. */
export function unsupported(message: string, remedy?: string, word?: Word): never {
  throw new StatementProblem({ code: "statement-unsupported", message, remedy, word });
}

/**
 * What `translate` returns; `undefined` once its problem is noted. `harmless`: what the statement does sends no request
 * elsewhere, so what is not possible is only ignored.
 */
export function attempt<T>(
  statement: Statement,
  notes: Notes,
  translate: () => T,
  { harmless = false }: { harmless?: boolean } = {},
): T | undefined {
  try {
    return translate();
  } catch (error) {
    if (!(error instanceof StatementProblem)) throw error;
    const { message, remedy, mistyped, word } = error.details;
    const isIgnored = harmless && error.details.code === "statement-unsupported";
    const code = isIgnored ? "statement-ignored" : error.details.code;
    notes.add(statement, {
      code,
      message,
      ...(remedy !== undefined && { remedy }),
      ...(mistyped && { mistyped }),
      word,
    });
    return undefined;
  }
}
