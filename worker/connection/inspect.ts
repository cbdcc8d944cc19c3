// Which rule takes a connection by what it begins with. Bytes are waited for as long as they may decide it, and no longer
// than the route says; a client that says nothing, or waits for the endpoint to speak first, is then judged by that.
import { GatewayError } from "#contract/error.ts";
import { ConnectionStart } from "#traffic/connection/connection-start.ts";
import type { ConnectionPlan, ConnectionRulePlan } from "../plan/connection-plan.ts";
import type { Connection } from "./connection.ts";
import { StartReader } from "./start-reader.ts";

/** What has been read is the connection's head. Rejects with `forbidden`. */
export async function inspect(
  connection: Connection,
  { inspection, rule }: ConnectionPlan,
): Promise<ConnectionRulePlan> {
  if (!inspection) return rule;
  const { clientAddress, serverName, head } = connection;
  const start = new ConnectionStart({ clientAddress, serverName, port: connection.listener?.port ?? 0 });
  for (const bytes of head) start.push(bytes);
  if (inspection.timeoutMs === 0) start.end();
  let verdict = inspection.judge(start);
  if (verdict === "open") {
    await readOn(
      connection,
      inspection.timeoutMs,
      start,
      () => (verdict = inspection.judge(start)) === "open",
    );
  }
  if (verdict === "rejected") throw new GatewayError("forbidden");
  // What is not known by now is not there.
  start.end();
  return inspection.choose(start) ?? rule;
}

/** Until nothing is open any more. */
async function readOn(
  connection: Connection,
  timeoutMs: number,
  start: ConnectionStart,
  isOpen: () => boolean,
): Promise<void> {
  const reader = new StartReader(connection.socket, connection.head);
  const late = Promise.withResolvers<"late">();
  const timer = setTimeout(() => late.resolve("late"), timeoutMs);
  try {
    do {
      const reading = reader.next();
      const bytes = await Promise.race([reading, late.promise]);
      if (bytes === "late") {
        connection.rest = reading.finally(() => reader.release());
        connection.rest.catch(() => undefined);
      }
      if (bytes === "late" || bytes === undefined) start.end();
      else {
        reader.keep(bytes);
        start.push(bytes);
      }
    } while (isOpen());
    connection.head = reader.unread();
  } finally {
    clearTimeout(timer);
    if (!connection.rest) reader.release();
  }
}
