// The front door's own answer where workerd could not be asked.
import type { ServerResponse } from "node:http";
import { errorCodeHeader, problem } from "#contract/error.ts";
import { grpcErrorHeaders } from "#traffic/grpc/status.ts";
import { sinkOf, type Outgoing } from "./answer.ts";
import type { Incoming } from "./incoming.ts";
import { endUpload } from "./upload.ts";

export function refuse(request: Incoming, response: Outgoing): void {
  sinkOf(response).once("finish", () => endUpload(request));
  const grpc = grpcErrorHeaders("internal", request.headers["content-type"]);
  const headers = { ...grpc, [errorCodeHeader]: "internal" };
  if (grpc && "stream" in response) {
    return response.stream.respond({ ...headers, ":status": 200 }, { endStream: true });
  }
  if (grpc) return void (response as ServerResponse).writeHead(200, headers).end();
  const body = JSON.stringify(problem("internal"));
  (response as ServerResponse)
    .writeHead(problem("internal").status, { ...headers, "content-type": "application/problem+json" })
    .end(body);
}
