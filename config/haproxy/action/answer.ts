// `return` and `deny`: requests that end here with an answer.
import type { Filter, Situation } from "../program/program.ts";
import type { ReplyChoice } from "./read-reply.ts";
import { replyFilter, type Reply, type ReplyPages } from "./reply.ts";
import { standardReply } from "./standard-reply.ts";

/** The page that the proxy, or else HAProxy, has for a status. */
export function standardAnswer(status: number): (situation: Situation) => Filter[] {
  return (situation) => [replyFilter(pageFor(status, situation.pages), situation)];
}

export function pageFor(status: number, pages: ReplyPages): Reply {
  return pages.get(status) ?? standardReply(status);
}

export function answerAction(choice: ReplyChoice): (situation: Situation) => Filter[] {
  if (choice.kind === "page") return standardAnswer(choice.status);
  const reply = choice.kind === "reply" ? choice.reply : { status: choice.status, headers: [] };
  return (situation) => [replyFilter(reply, situation)];
}
