// `userlist` sections → users of basic authentication.
import { sha1 } from "@noble/hashes/legacy.js";
import { fromBytes } from "#contract/text/bytes.ts";
import { wordAt, type Section } from "../statement.ts";
import { invalid, unsupported } from "../statement-problem.ts";

/** Lines of an htpasswd file, by list. */
export type UserLists = ReadonlyMap<string, readonly Section[]>;

export function readUserLists(sections: readonly Section[]): UserLists {
  return Map.groupBy(
    sections.filter(({ kind }) => kind === "userlist"),
    ({ name }) => name,
  );
}

/** Throws `StatementProblem`, since only a list that is used has to be readable. */
export function usersOf(lists: UserLists, name: string): string[] {
  const sections = lists.get(name);
  if (!sections) return invalid(`no userlist is named ${JSON.stringify(name)}`);
  const users = sections
    .flatMap(({ statements }) => statements)
    .filter((statement) => wordAt(statement, 0) === "user")
    .map((statement) => {
      const [kind, password] = [wordAt(statement, 2), wordAt(statement, 3)];
      if (kind === "insecure-password") return userLine(wordAt(statement, 1), password);
      return unsupported(
        `the password of ${JSON.stringify(wordAt(statement, 1))} is hashed by crypt, which cannot be checked here`,
        "Write the users in a native file, with hashes that `securityPolicy.basicAuth` takes.",
      );
    });
  return users.length > 0 ? users : invalid(`the userlist ${JSON.stringify(name)} has no users`);
}

/** A line of an htpasswd file. */
export function userLine(name: string, password: string): string {
  return `${name}:{SHA}${btoa(fromBytes(sha1(new TextEncoder().encode(password))))}`;
}
