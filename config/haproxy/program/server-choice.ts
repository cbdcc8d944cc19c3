// `use-server <server> if …` (§4.2): requests for one server, and for the others only while it is down.
import type { Proxy } from "../proxy.ts";
import { statementsOf } from "../proxy.ts";
import { invalid, unsupported } from "../statement-problem.ts";
import { wordAt, type Statement } from "../statement.ts";
import type { Effect, Step } from "./program.ts";

/** Throws `StatementProblem`. */
export function serverEffect(statement: Statement, proxy: Proxy): Effect {
  const server = wordAt(statement, 1);
  if (server.includes("%[")) {
    return unsupported("the server's name depends on the request", "Write one use-server per server.");
  }
  const known = statementsOf(proxy, "server").map((one) => wordAt(one, 1));
  if (!known.includes(server)) {
    return invalid(`no server is named ${JSON.stringify(server)}`, {
      word: statement.words[1],
      mistyped: { name: server, known },
    });
  }
  return { kind: "change", change: ({ draft }) => ({ ...draft, server }) };
}

/** The first one that holds is the one. */
export function inTurn(steps: readonly Step[]): Step[] {
  return steps.map((step, index) => ({ ...step, others: steps.length - 1 - index }));
}
