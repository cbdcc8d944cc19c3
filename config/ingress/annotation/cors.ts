// `enable-cors` and the cors annotations, with ingress-nginx's defaults.
import { methodSchema } from "#contract/http-route.ts";
import { corsOriginSchema } from "#contract/cors.ts";
import { literal } from "../../pattern-text.ts";
import type { FilterInput } from "../rule-parts.ts";
import type { Annotations } from "./annotations.ts";

type Cors = Extract<FilterInput, { type: "CORS" }>["cors"];

const defaultMethods = ["GET", "PUT", "POST", "DELETE", "PATCH", "OPTIONS"] as const;
const defaultHeaders =
  "DNT,Keep-Alive,User-Agent,X-Requested-With,If-Modified-Since,Cache-Control,Content-Type,Range,Authorization";

export function readCors(annotations: Annotations): FilterInput[] {
  if (!annotations.flag("enable-cors")) return [];
  const { origins, patterns } = readOrigins(annotations);
  const allowHeaders = annotations.text("cors-allow-headers") ?? defaultHeaders;
  const exposeHeaders = annotations.list("cors-expose-headers");
  const maxAge = annotations.integer("cors-max-age", -1) ?? 1_728_000;
  const wantsCredentials = annotations.flag("cors-allow-credentials") ?? true;
  return [
    {
      type: "CORS",
      cors: {
        allowOrigins: origins,
        ...(patterns.length > 0 && { allowOriginPatterns: patterns }),
        // ingress-nginx says `*` and that credentials are allowed, which browsers take for a no (Fetch §3.2.5).
        allowCredentials: wantsCredentials && !origins.includes("*"),
        allowMethods: readMethods(annotations),
        allowHeaders: allowHeaders.split(",").flatMap((name) => name.trim() || []),
        ...(exposeHeaders.length > 0 && { exposeHeaders }),
        maxAge: Math.max(1, Math.min(maxAge, 2_147_483_647)),
      },
    },
  ];
}

interface Origins {
  readonly origins: string[];
  /** Of those with a wildcard, which is one label in ingress-nginx. */
  readonly patterns: string[];
}

function readOrigins(annotations: Annotations): Origins {
  const wanted = annotations.list("cors-allow-origin");
  if (wanted.length === 0 || wanted.includes("*")) return { origins: ["*"], patterns: [] };
  const isKnown = (origin: string): boolean => corsOriginSchema.safeParse(origin).success;
  for (const origin of wanted.filter((one) => !isKnown(one))) {
    annotations.ignored("cors-allow-origin", `${JSON.stringify(origin)} is no origin, so it is not allowed`);
  }
  const known = wanted.filter(isKnown);
  const patterns = known.filter((origin) => origin.includes("*"));
  return {
    origins: known.filter((origin) => !origin.includes("*")),
    patterns: patterns.map((origin) => `(?i)${literal(origin).replace("\\*", "[A-Za-z0-9-]+")}`),
  };
}

function readMethods(annotations: Annotations): NonNullable<Cors["allowMethods"]> {
  const wanted = annotations.list("cors-allow-methods");
  if (wanted.length === 0) return [...defaultMethods];
  return wanted.flatMap((name) => {
    const method = methodSchema.options.find((option) => option === name.toUpperCase());
    if (method === undefined)
      annotations.ignored("cors-allow-methods", `${JSON.stringify(name)} is not allowed`);
    return method ?? [];
  });
}
