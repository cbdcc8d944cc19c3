// `return` and `deny`: requests that end here with an answer.
import type { Filter, Situation } from "../program/program.ts";
import type { ReplyChoice } from "./read-reply.ts";
import { replyFilter, type Reply, type ReplyPages } from "./reply.ts";
import { standardReply } from "./standard-reply.ts";

/** The page that the proxy, or else HAProxy, has for a status. */
export function standardAnswer(status: number): (situation: Situation) => Filter[] {
  return answerAction({ kind: "page", status });
}

export function pageFor(status: number, pages: ReplyPages): Reply {
  return pages.get(status) ?? standardReply(status);
}

/** The reply that was chosen, where it is given. */
export function replyOf(choice: ReplyChoice, { pages }: Situation): Reply {
  if (choice.kind === "reply") return choice.reply;
  return choice.kind === "page" ? pageFor(choice.status, pages) : { status: choice.status, headers: [] };
}

export function answerAction(choice: ReplyChoice): (situation: Situation) => Filter[] {
  return (situation) => [replyFilter(replyOf(choice, situation), situation)];
}
