// Statuses of Kubernetes objects for people: one line per condition.
import type { Condition, ObjectStatus } from "#config/kubernetes/object-status.ts";
import { table } from "./table.ts";

/** Objects in the order of their kinds and names. */
export function objectStatusText(statuses: readonly ObjectStatus[]): string {
  const rows = statuses
    .map((status) => ({ object: objectName(status), status }))
    .sort((a, b) => (a.object < b.object ? -1 : 1))
    .flatMap(({ object, status }) => rowsOf(status).map((row) => [object, ...row]));
  return table(
    ["object", "part", "condition", "status", "reason", "message"],
    rows,
    "no object has conditions",
  );
}

function objectName({ kind, namespace, name }: ObjectStatus): string {
  return `${kind} ${namespace === undefined ? name : `${namespace}/${name}`}`;
}

function rowsOf({ status }: ObjectStatus): string[][] {
  const { conditions = [], listeners = [], parents = [], ancestors = [] } = status;
  return [
    ...conditions.map((condition) => row("", condition)),
    ...listeners.flatMap((listener) => {
      const routes = Number(listener["attachedRoutes"] ?? 0);
      const part = `listener ${listener.name} (${routes} ${routes === 1 ? "route" : "routes"})`;
      return listener.conditions.map((condition) => row(part, condition));
    }),
    ...parents.flatMap((parent) =>
      parent.conditions.map((condition) => row(`parent ${referenceText(parent.parentRef)}`, condition)),
    ),
    ...ancestors.flatMap((ancestor) =>
      ancestor.conditions.map((condition) =>
        row(`ancestor ${referenceText(ancestor.ancestorRef)}`, condition),
      ),
    ),
  ];
}

function row(part: string, { type, status, reason, message }: Condition): string[] {
  return [part, type, status, reason, message];
}

/** `infra/web`, `web:8080` or `web#https`, as the reference says it. */
function referenceText(reference: object): string {
  const { namespace, name, sectionName, port } = reference as Record<string, unknown>;
  const section = sectionName === undefined ? "" : `#${String(sectionName)}`;
  const onPort = port === undefined ? "" : `:${String(port)}`;
  return `${namespace === undefined ? "" : `${String(namespace)}/`}${String(name)}${section}${onPort}`;
}
