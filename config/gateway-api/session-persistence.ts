// sessionPersistence (GEP-1619), as it is called now and as it was called before.
import type { RouteInput } from "../kubernetes/model-parts.ts";
import type { Notes } from "../kubernetes/notes.ts";
import type { ObjectField } from "../kubernetes/object.ts";
import type { SessionPersistence } from "./schema/route-kinds.ts";

type SessionInput = NonNullable<RouteInput["rules"][number]["sessionPersistence"]>;

export function sessionPersistence(
  session: SessionPersistence,
  { object, path }: ObjectField,
  notes: Notes,
): SessionInput {
  const { type, absoluteTimeout, idleTimeout, cookie, header, cookieConfig } = session;
  const sessionName = session.sessionName ?? (type === "Header" ? header?.name : cookie?.name);
  const lifetimeType = cookie?.lifetimeType ?? cookieConfig?.lifetimeType;
  if (cookie?.path !== undefined && cookie.path !== "/") {
    notes.add(
      { object, path: [...path, "cookie", "path"] },
      {
        code: "statement-approximated",
        message: "the cookie is given for every path, not only for this one",
      },
    );
  }
  return {
    type,
    ...(sessionName !== undefined && { sessionName }),
    ...(absoluteTimeout !== undefined && { absoluteTimeout }),
    ...(idleTimeout !== undefined && { idleTimeout }),
    ...(lifetimeType && { cookieConfig: { lifetimeType } }),
  };
}
