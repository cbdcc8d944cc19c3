// `observe`, `error-limit` and `on-error` of servers → errors of requests that count for active checks (§5.2).
import type { Notes } from "../notes.ts";
import type { BackendInput } from "./backends.ts";
import type { OnError, Server, ServerOptions } from "./server-line.ts";

type HealthCheck = NonNullable<BackendInput["healthCheck"]>;
type Observe = NonNullable<HealthCheck["observe"]>;

const defaultLimit = 10;

const reactions: Readonly<Record<OnError, NonNullable<Observe["onError"]>>> = {
  fastinter: "FastInterval",
  "fail-check": "FailCheck",
  "sudden-death": "SuddenDeath",
  "mark-down": "MarkDown",
};

/** `isDialled`: the gateway dials the servers itself, so that it is its region that checks them. */
export function observedErrors(
  servers: readonly Server[],
  isDialled: boolean,
  notes: Notes,
): Pick<HealthCheck, "observe" | "passive"> {
  for (const { statement, options } of servers) {
    if (options.observe === undefined || options.check) continue;
    const message = "observe has no effect without `check`, in HAProxy neither";
    notes.add(statement, { code: "statement-ignored", message, remedy: "Give the server `check`." });
  }
  const checked = servers.filter(({ options }) => options.check);
  const [first] = checked.filter(({ options }) => options.observe !== undefined);
  if (!first) return {};
  for (const { statement, options } of checked) {
    if (observeOf(options) === observeOf(first.options)) continue;
    const message = `its errors count like those of ${JSON.stringify(first.name)}: a backend has one \`observe\``;
    notes.add(statement, { code: "statement-approximated", message });
  }
  const { observe, errorLimit = defaultLimit, onError = "fail-check" } = first.options;
  if (isDialled) {
    const layer = observe === "layer7" ? "Layer7" : "Layer4";
    return { observe: { layer, errorLimit, onError: reactions[onError] } };
  }
  notes.add(first.statement, {
    code: "statement-approximated",
    message: "errors take the server out for a while, whatever its checks say, which an agent makes",
  });
  const whole = { maxEjectionPercent: 100 };
  return observe === "layer7"
    ? { passive: { consecutive5xxErrors: errorLimit, ...whole } }
    : {
        passive: {
          consecutive5xxErrors: 0,
          consecutiveLocalOriginFailures: errorLimit,
          splitExternalLocalOriginErrors: true,
          ...whole,
        },
      };
}

function observeOf({ observe, errorLimit = defaultLimit, onError = "fail-check" }: ServerOptions): string {
  return JSON.stringify([observe, errorLimit, onError]);
}
