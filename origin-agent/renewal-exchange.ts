// Renewal over the tunnel: one signing request at a time on a connection, and the hub's answer to it.
import type { ApiError } from "#contract/sync.ts";
import { AgentError } from "./agent-error.ts";
import type { TunnelConnection } from "./connection.ts";

const answerTimeoutMs = 20_000;

interface Pending {
  readonly id: number;
  readonly connection: TunnelConnection;
  readonly answer: PromiseWithResolvers<unknown>;
}

export class RenewalExchange {
  #lastId = 0;
  #pending: Pending | undefined;

  /** The issued certificate. Throws `AgentError` `renewal_refused` when there is none, with the hub's reason. */
  async request(connection: TunnelConnection | undefined, csrPem: string): Promise<unknown> {
    this.#lastId += 1;
    const id = this.#lastId;
    if (!connection?.send({ type: "renew", id, csrPem }))
      throw failed("no authenticated connection to renew over");
    const answer = Promise.withResolvers<unknown>();
    this.#pending = { id, connection, answer };
    const timer = setTimeout(
      () => answer.reject(failed(`no answer within ${answerTimeoutMs} ms`)),
      answerTimeoutMs,
    );
    void connection.closed.then(() => answer.reject(failed("the connection closed before the answer")));
    try {
      return await answer.promise;
    } finally {
      clearTimeout(timer);
      this.#pending = undefined;
    }
  }

  answered(connection: TunnelConnection, id: number, certificate: unknown): void {
    this.#match(connection, id)?.answer.resolve(certificate);
  }

  refused(connection: TunnelConnection, id: number, { code, message, remedy }: ApiError): void {
    this.#match(connection, id)?.answer.reject(failed(`the edge refused (${code}): ${message}`, remedy));
  }

  #match(connection: TunnelConnection, id: number): Pending | undefined {
    const pending = this.#pending;
    return pending?.id === id && pending.connection === connection ? pending : undefined;
  }
}

const failed = (message: string, remedy?: string) =>
  new AgentError("renewal_refused", message, remedy === undefined ? {} : { remedy });
