// Where the commands of the same user reach a running `isthmus serve`: a Unix socket in its run directory.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { join } from "node:path";

export const supervisorSocket = (runDirectory: string): string => join(runDirectory, "supervisor.sock");

/** What a reload came to: names of the processes that were replaced, in order. */
export interface ReloadAnswer {
  readonly replaced: readonly string[];
}

/** Resolves when the socket is open. `reload` rejects with an error whose message is for the operator. */
export async function openSupervisorDoor(
  runDirectory: string,
  reload: (names: readonly string[]) => Promise<ReloadAnswer>,
): Promise<Server> {
  const server = createServer((request, response) => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(body));
    };
    const url = new URL(request.url ?? "/", "http://supervisor");
    if (request.method !== "POST" || url.pathname !== "/reload")
      return answer(404, { message: "POST /reload" });
    reload(url.searchParams.getAll("process")).then(
      (done) => answer(200, done),
      (error: Error) => answer(500, { message: error.message }),
    );
  });
  // Replacing everything may take minutes, one process after the other.
  server.requestTimeout = 0;
  server.listen(supervisorSocket(runDirectory));
  await once(server, "listening");
  return server;
}
