// `userlist` sections → users of basic authentication.
import { sha1 } from "@noble/hashes/legacy.js";
import { passwordHashProblem } from "#contract/password-hash.ts";
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
      const [user, kind, password] = [1, 2, 3].map((index) => wordAt(statement, index)) as [
        string,
        string,
        string,
      ];
      return kind === "insecure-password" ? userLine(user, password) : hashedUserLine(user, password);
    });
  return users.length > 0 ? users : invalid(`the userlist ${JSON.stringify(name)} has no users`);
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
