// `userlist` sections → users of basic authentication.
import { sha1 } from "@noble/hashes/legacy.js";
import { passwordHashProblem } from "#contract/password-hash.ts";
import { fromBytes } from "#contract/text/bytes.ts";
import { wordAt, wordsFrom, type Section, type Statement } from "../statement.ts";
import { invalid, unsupported } from "../statement-problem.ts";

/** Lines of an htpasswd file, by list. */
export type UserLists = ReadonlyMap<string, readonly Section[]>;

export function readUserLists(sections: readonly Section[]): UserLists {
  return Map.groupBy(
    sections.filter(({ kind }) => kind === "userlist"),
    ({ name }) => name,
  );
}

/** `groups`: those of one of them. Throws `StatementProblem`, since only a list that is used has to be readable. */
export function usersOf(lists: UserLists, name: string, groups?: readonly string[]): string[] {
  const sections = lists.get(name);
  if (!sections) return invalid(`no userlist is named ${JSON.stringify(name)}`);
  const statements = sections.flatMap((section) => section.statements);
  const members = groups && membersOf(statements, groups);
  const users = statements
    .filter((statement) => wordAt(statement, 0) === "user")
    .filter((statement) => members?.has(wordAt(statement, 1)) ?? true)
    .map((statement) => {
      const [user, kind, password] = [1, 2, 3].map((index) => wordAt(statement, index)) as [
        string,
        string,
        string,
      ];
      return kind === "insecure-password" ? userLine(user, password) : hashedUserLine(user, password);
    });
  if (users.length > 0) return users;
  const which = groups ? ` in ${groups.join(", ")}` : "";
  return invalid(`the userlist ${JSON.stringify(name)} has no users${which}`);
}

/** `group G users a,b` and `user a … groups G,H` (§12.2), in whatever order. */
function membersOf(statements: readonly Statement[], groups: readonly string[]): ReadonlySet<string> {
  return new Set(
    statements.flatMap((statement) => {
      const [keyword, name = "", ...words] = wordsFrom(statement, 0);
      const listed = (option: string): string[] =>
        words.includes(option) ? (words[words.indexOf(option) + 1] ?? "").split(",") : [];
      if (keyword === "group") return groups.includes(name) ? listed("users") : [];
      return keyword === "user" && listed("groups").some((group) => groups.includes(group)) ? [name] : [];
    }),
  );
}

/** crypt(3) has hashes that cannot be verified here. */
function hashedUserLine(name: string, hash: string): string {
  const line = `${name}:${hash}`;
  const problem = passwordHashProblem(line);
  if (problem === undefined) return line;
  return unsupported(
    `the password of ${JSON.stringify(name)}: ${problem}`,
    "Hash it anew, by `mkpasswd -m sha-512`.",
  );
}

/** A line of an htpasswd file. */
export function userLine(name: string, password: string): string {
  return `${name}:{SHA}${btoa(fromBytes(sha1(new TextEncoder().encode(password))))}`;
}
