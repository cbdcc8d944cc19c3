// What proxies answer to errors → sets of error pages: their own pages, and the statuses that HAProxy has for errors which
// have another one here.
import { connectFailures, type ErrorCode } from "#contract/error.ts";
import { pageFor } from "../action/answer.ts";
import { wording, type ReplyPages } from "../action/reply.ts";
import type { NativeConfigInput } from "../../native/schema.ts";
import type { Notes } from "../notes.ts";
import { emptyDraft, type Situation } from "../program/program.ts";
import { attempt } from "../statement-problem.ts";
import type { Statement } from "../statement.ts";
import type { Names } from "./names.ts";

type ErrorPagesInput = NonNullable<NativeConfigInput["errorPages"]>[number];
type PageInput = ErrorPagesInput["pages"][number];

export interface ImportedErrorPages {
  readonly statement: Statement;
  readonly errorPages: ErrorPagesInput;
}

export interface ErrorPageSets {
  /** Name of the set for the pages; a new one is called like the proxy. */
  nameOf(pages: ReplyPages, proxy: { readonly heading: Statement; readonly name: string }): string;
  readonly sets: readonly ImportedErrorPages[];
}

/** There was no connection to a server, which HAProxy answers 503 whatever the cause. */
const unreachable: ErrorCode[] = [...connectFailures];

export function createErrorPageSets(names: Names, notes: Notes): ErrorPageSets {
  const byContent = new Map<string, string>();
  const sets: ImportedErrorPages[] = [];
  return {
    sets,
    nameOf: (replies, { heading, name: proxy }) => {
      const pages = pagesOf(replies, heading, notes);
      const content = JSON.stringify(pages);
      const known = byContent.get(content);
      if (known !== undefined) return known;
      const name = names.take(proxy);
      byContent.set(content, name);
      sets.push({ statement: heading, errorPages: { name, pages } });
      return name;
    },
  };
}

function pagesOf(replies: ReplyPages, heading: Statement, notes: Notes): PageInput[] {
  const own = [...replies.keys()].sort().flatMap((status): PageInput[] => {
    const response = attempt(heading, notes, () => responseOf(replies, status)) ?? {};
    const value = { type: "Value" as const, value: status };
    const match = { ...(status === 503 && { errorCodes: unreachable }), statusCodes: [value] };
    return [{ match, response }];
  });
  if (replies.has(503)) return own;
  return [{ match: { errorCodes: unreachable }, response: { statusCode: 503 } }, ...own];
}

function responseOf(replies: ReplyPages, status: number): PageInput["response"] {
  const { status: statusCode, ...texts } = pageFor(status, replies);
  const made = wording(texts, anyRequest);
  // Without words of its own the page is empty, and not the gateway's.
  const body = "body" in made || "bodyFrom" in made ? {} : { body: { inline: "" } };
  return { statusCode, ...made, ...body };
}

/** Pages are put together from requests as they came in, wherever they did. */
const anyRequest: Situation = {
  surroundings: { listener: { tls: false, port: 0 }, host: { kind: "any" } },
  draft: emptyDraft,
  pages: new Map(),
};
