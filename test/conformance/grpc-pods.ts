// Pods of the gRPC tests: each says who it is and what metadata it got.
import { Server, ServerCredentials, type sendUnaryData, type ServerUnaryCall } from "@grpc/grpc-js";
import type { KeyPairPem } from "./tls-world.ts";

export const grpcPods = ["grpc-infra-backend-v1", "grpc-infra-backend-v2", "grpc-infra-backend-v3"] as const;

/** One that speaks TLS. */
export const grpcTlsPod = "grpc-tls-backend";

export interface GrpcPods {
  readonly ports: ReadonlyMap<string, number>;
  stop(): void;
}

export async function startGrpcPods(tls: KeyPairPem): Promise<GrpcPods> {
  const servers: Server[] = [];
  const plain = ServerCredentials.createInsecure();
  const pair = { private_key: Buffer.from(tls.key), cert_chain: Buffer.from(tls.cert) };
  const secure = ServerCredentials.createSsl(null, [pair]);
  const ports = new Map<string, number>();
  for (const name of [...grpcPods, grpcTlsPod]) {
    const server = new Server();
    const asIs = (bytes: Buffer): Buffer => bytes;
    const method = (path: string) => ({
      path: `/conformance.Echo/${path}`,
      requestStream: false,
      responseStream: false,
      requestSerialize: asIs,
      requestDeserialize: asIs,
      responseSerialize: asIs,
      responseDeserialize: asIs,
    });
    const echo = ({ metadata }: ServerUnaryCall<Buffer, Buffer>, done: sendUnaryData<Buffer>): void =>
      done(null, Buffer.from(JSON.stringify({ name, metadata: metadata.getMap() })));
    server.addService({ echo: method("Echo"), echoTwo: method("EchoTwo") }, { echo, echoTwo: echo });
    const port = await new Promise<number>((found, fail) =>
      server.bindAsync("127.0.0.1:0", name === grpcTlsPod ? secure : plain, (error, bound) =>
        error ? fail(error) : found(bound),
      ),
    );
    servers.push(server);
    ports.set(name, port);
  }
  return { ports, stop: () => servers.forEach((server) => server.forceShutdown()) };
}

/** HTTP/2 goes through an agent: workerd speaks HTTP/1.1 to endpoints. */
export function grpcService(namespace: string, name: string, port: number, appProtocol = ""): string {
  return `---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: ${namespace}, annotations: { isthmus.dev/tunnel: cluster } }
spec: { ports: [{ port: 8080${appProtocol && `, appProtocol: ${appProtocol}`} }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, namespace: ${namespace}, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ port: ${port} }]
endpoints: [{ addresses: [127.0.0.1] }]
`;
}
