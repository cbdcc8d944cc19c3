// Pods of the tests: they answer as the suite's echo server and its httpbun do, one for each name.
import type { IncomingMessage, ServerResponse } from "node:http";
import { startEchoServer, type EchoServer } from "../system/echo-server.ts";

export interface Pods {
  /** Ports by name: `echo`, `echo-2`, … */
  readonly ports: ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

export async function startPods(names: Iterable<string>): Promise<Pods> {
  const servers = new Map<string, EchoServer>();
  for (const name of names) servers.set(name, await startEchoServer(name, answer));
  return {
    ports: new Map([...servers].map(([name, { port }]) => [name, port])),
    stop: async () => void (await Promise.all([...servers.values()].map((server) => server.stop()))),
  };
}

const held: ServerResponse[] = [];
const signedIn = `Basic ${btoa("user:password")}`;

function answer(request: IncomingMessage, response: ServerResponse): boolean {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://pod");
  const [, first = "", second = "", third, fourth] = pathname.split("/");
  const send = (status: number, headers: Record<string, string> = {}, body: string | Buffer = ""): true => {
    request.resume();
    response.writeHead(status, { "content-length": String(body.length), ...headers }).end(body);
    return true;
  };
  if (searchParams.get("hsts") === "true") {
    response.setHeader("strict-transport-security", "max-age=3600; preload");
    return false;
  }
  switch (first) {
    case "status":
      return send(Number(second));
    case "error":
      return send(503);
    case "bytes":
      return send(200, { "content-type": "application/octet-stream" }, Buffer.alloc(Number(second), "a"));
    case "xml":
    case "html":
      return send(200, { "content-type": first === "xml" ? "application/xml" : "text/html" }, text);
    case "basic-auth":
      return send(request.headers.authorization === signedIn ? 200 : 401);
    case "echo-header":
      return send(200, { "x-echoed": String(request.headers[second]) });
    case "response-headers":
      return send(200, Object.fromEntries(searchParams));
    case "held":
      request.resume();
      held.push(response);
      return true;
    case "release":
      for (const waiting of held.splice(0)) waiting.end();
      return send(200);
    case "cookies":
      return send(200, { "set-cookie": `${third}=${fourth}` });
    default:
      return false;
  }
}

const text = "<all>of it is the same, over and over</all>\n".repeat(50);
