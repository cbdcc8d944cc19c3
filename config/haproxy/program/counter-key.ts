// Keys of stick tables (`track-sc0 <key>`): sample expressions as texts that tell one entry from another. Hashes that only
// make long keys short (`base32+src`) stand for what they are made of.
import type { RequestText } from "#contract/request-text.ts";
import type { Standpoint } from "../condition/changes.ts";
import { always, type Condition } from "../condition/condition.ts";
import { partsOfFetch } from "../condition/request-parts.ts";
import { resolveSample } from "../condition/resolve-sample.ts";
import { parseSample } from "../condition/sample.ts";
import { unsupported } from "../statement-problem.ts";

const address: RequestText = [{ text: " " }, { from: "ClientIP" }];
const base: RequestText = [{ from: "Host" }, { from: "Path" }];
const url: RequestText = [{ from: "Host" }, { from: "Target" }];

const hashed: Readonly<Record<string, RequestText>> = {
  base32: base,
  "base32+src": [...base, ...address],
  url32: url,
  "url32+src": [...url, ...address],
};

/** Keys that every request has. */
const certain = /^(?:src|path|pathq|url|base|method|hdr\(host\)|str\(.*\)|int\(.*\))$/i;

/** Which requests have the key. Throws `StatementProblem`. */
export function havingKey(expression: string): Condition {
  if (Object.hasOwn(hashed, expression) || certain.test(expression)) return always;
  const sample = parseSample(expression) ?? untold(expression);
  const { fetch } = sample;
  if (fetch.name !== "var" && !partsOfFetch(fetch, new Map())) untold(expression);
  const subject = { type: "expression", sample, method: "found", operator: undefined } as const;
  return { kind: "test", test: { subject, operator: "present", values: [], ignoreCase: false } };
}

/** `undefined`: the requests have none. Throws `StatementProblem`. */
export function counterKey(expression: string, at: Standpoint): RequestText | undefined {
  if (Object.hasOwn(hashed, expression)) return hashed[expression]!;
  const sample = parseSample(expression);
  const { parts } = (sample && resolveSample(sample, at)) ?? untold(expression);
  return parts.length === 0 ? undefined : parts;
}

function untold(expression: string): never {
  return unsupported(
    `requests are not told apart by ${JSON.stringify(expression)}`,
    "Track src, hdr(name), cook(name), path, base32+src or url32+src.",
  );
}
