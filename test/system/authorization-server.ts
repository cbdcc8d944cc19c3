// An authorization server of Envoy's, with a client library of gRPC and the messages of its published API, as far as they
// are asked about here (envoy/api, `service/auth/v3/external_auth.proto`).
import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from "@grpc/grpc-js";
import protobuf from "protobufjs";

const { root } = protobuf.parse(`
syntax = "proto3";
message CheckRequest { AttributeContext attributes = 1; }
message AttributeContext {
  Peer source = 1;
  Peer destination = 2;
  Request request = 4;
  map<string, string> context_extensions = 10;
  message Peer { Address address = 1; string principal = 4; }
  message Address { SocketAddress socket_address = 1; }
  message SocketAddress { string address = 2; uint32 port_value = 3; }
  message Request { HttpRequest http = 2; }
  message HttpRequest {
    string id = 1;
    string method = 2;
    map<string, string> headers = 3;
    string path = 4;
    string host = 5;
    string scheme = 6;
    string protocol = 10;
  }
}
message CheckResponse {
  Status status = 1;
  oneof http_response { DeniedHttpResponse denied_response = 2; OkHttpResponse ok_response = 3; }
  message Status { int32 code = 1; string message = 2; }
}
message HttpStatus { int32 code = 1; }
message HeaderValue { string key = 1; string value = 2; }
message BoolValue { bool value = 1; }
message HeaderValueOption { HeaderValue header = 1; BoolValue append = 2; int32 append_action = 3; }
message QueryParameter { string key = 1; string value = 2; }
message DeniedHttpResponse { HttpStatus status = 1; repeated HeaderValueOption headers = 2; string body = 3; }
message OkHttpResponse {
  repeated HeaderValueOption headers = 2;
  repeated string headers_to_remove = 5;
  repeated HeaderValueOption response_headers_to_add = 6;
  repeated QueryParameter query_parameters_to_set = 7;
  repeated string query_parameters_to_remove = 8;
}
`);
const requestType = root.lookupType("CheckRequest");
const responseType = root.lookupType("CheckResponse");

export interface Question {
  readonly source: { readonly address: { readonly socketAddress: { readonly address: string } } };
  readonly request: {
    readonly http: Readonly<
      Record<"id" | "method" | "path" | "host" | "scheme" | "protocol", string> & {
        headers: Record<string, string>;
      }
    >;
  };
  readonly contextExtensions?: Readonly<Record<string, string>>;
}

export interface AuthorizationServer {
  readonly port: number;
  readonly questions: readonly Question[];
  stop(): void;
}

export const header = (key: string, value: string, append?: boolean) => ({
  header: { key, value },
  ...(append !== undefined && { append: { value: append } }),
});

/** `decide` gives a CheckResponse; `undefined`: no answer at all. `tls`: with this certificate. */
export async function startAuthorizationServer(
  decide: (question: Question) => object | undefined,
  tls?: { readonly cert: string; readonly key: string },
): Promise<AuthorizationServer> {
  const questions: Question[] = [];
  const server = new Server();
  const asIs = (bytes: Buffer): Buffer => bytes;
  const Check = {
    path: "/envoy.service.auth.v3.Authorization/Check",
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  server.addService(
    { Check },
    {
      Check(call: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>) {
        const { attributes } = requestType.toObject(requestType.decode(call.request)) as {
          attributes: Question;
        };
        questions.push(attributes);
        const answer = decide(attributes);
        if (answer) done(null, Buffer.from(responseType.encode(responseType.fromObject(answer)).finish()));
      },
    },
  );
  const credentials = tls
    ? ServerCredentials.createSsl(null, [
        { cert_chain: Buffer.from(tls.cert), private_key: Buffer.from(tls.key) },
      ])
    : ServerCredentials.createInsecure();
  const port = await new Promise<number>((done, fail) =>
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error ? fail(error) : done(bound))),
  );
  return { port, questions, stop: () => server.forceShutdown() };
}
