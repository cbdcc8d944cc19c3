// The front door's own answer: workerd could not be asked, or need not be.
import type { ServerResponse } from "node:http";
import { errorCodeHeader, problem, type ErrorCode } from "#contract/error.ts";
import { grpcErrorHeaders } from "#traffic/grpc/status.ts";
import { sinkOf, type Outgoing } from "./answer.ts";
import type { Incoming } from "./incoming.ts";
import { endUpload } from "./upload.ts";

export function refuse(request: Incoming, response: Outgoing, code: ErrorCode = "internal"): void {
  sinkOf(response).once("finish", () => endUpload(request));
  const grpc = grpcErrorHeaders(code, request.headers["content-type"]);
  const headers = { ...grpc, [errorCodeHeader]: code };
  if (grpc && "stream" in response) {
    return response.stream.respond({ ...headers, ":status": 200 }, { endStream: true });
  }
  if (grpc) return void (response as ServerResponse).writeHead(200, headers).end();
  const document = problem(code);
  (response as ServerResponse)
    .writeHead(document.status, { ...headers, "content-type": "application/problem+json" })
    .end(JSON.stringify(document));
}
