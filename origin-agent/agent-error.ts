// The agent's one error type for what a person has to know about: a closed code, what happened and what to do.

export type AgentErrorCode =
  | "options_invalid"
  | "ca_file_unreadable"
  | "data_dir_unusable"
  | "identity_unreadable"
  | "token_unreadable"
  | "edge_unreachable"
  | "edge_untrusted"
  | "edge_refused"
  | "edge_answer_invalid"
  | "renewal_refused"
  | "dial_refused"
  | "endpoint_tls_unusable";

export class AgentError extends Error {
  override readonly name = "AgentError";
  readonly code: AgentErrorCode;
  /** What to do about it, a sentence for the operator. */
  readonly remedy: string | undefined;

  constructor(code: AgentErrorCode, message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy;
  }
}

/** Code, message and remedy as log fields; for foreign errors the system's code (`ECONNREFUSED`) or the class name. */
export function errorFields(error: unknown): { code: string; reason: string; remedy: string | undefined } {
  if (error instanceof AgentError) return { code: error.code, reason: error.message, remedy: error.remedy };
  if (!(error instanceof Error)) return { code: "unknown", reason: String(error), remedy: undefined };
  return { code: systemCode(error) ?? error.name, reason: reasonOf(error), remedy: undefined };
}

/** The message of a system's error, without Node's advice on its own flags, which are not whoever reads it has. */
export function reasonOf({ message }: Error): string {
  return message.replace(
    /; if the root CA is installed locally, try running Node\.js with --use-system-ca/,
    "",
  );
}

/** `code` of a Node system, TLS or undici error; of the first cause for the aggregate of happy eyeballs. */
export function systemCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null | undefined)?.code;
  if (typeof code === "string") return code;
  return error instanceof AggregateError ? systemCode(error.errors[0]) : undefined;
}
