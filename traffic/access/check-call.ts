// `envoy.service.auth.v3.Authorization/Check`: the question that an authorization server of Envoy's gets over gRPC, and
// what its answer says (envoy/api, `service/auth/v3/external_auth.proto` and `attribute_context.proto`).
import { hopByHopNames } from "../forwarding/hop-by-hop.ts";
import { isForged } from "../forwarding/forged-names.ts";
import { encodeMessage, ProtoMessage, type ProtoField } from "../grpc/protobuf.ts";

export const checkPath = "/envoy.service.auth.v3.Authorization/Check";

/** Of the request that somebody is asked about. */
export interface CheckAttributes {
  readonly clientAddress: string;
  /** Who the client's certificate says it is. */
  readonly principal: string | undefined;
  /** At which the request came in. */
  readonly port: number;
  readonly timeMs: number;
  readonly id: string | undefined;
  readonly method: string;
  readonly scheme: string;
  readonly authority: string;
  /** With the query. */
  readonly target: string;
  /** Empty where it is not known. */
  readonly protocol: string;
  readonly bodyBytes: number;
  /** By lower-case name. */
  readonly headers: Iterable<readonly [name: string, value: string]>;
  readonly contextExtensions: readonly { readonly name: string; readonly value: string }[];
}

export function checkRequest(request: CheckAttributes): Uint8Array<ArrayBuffer> {
  const { clientAddress, principal, port, timeMs, contextExtensions } = request;
  const source = [[1, addressOf(clientAddress, 0)], ...(principal ? [[4, principal] as const] : [])] as const;
  const time = [
    [1, Math.floor(timeMs / 1_000)],
    [2, (timeMs % 1_000) * 1_000_000],
  ] as const;
  return encodeMessage([
    [
      1,
      [
        [1, source],
        [2, [[1, addressOf("", port)]]],
        [
          4,
          [
            [1, time],
            [2, httpRequest(request)],
          ],
        ],
        ...entries(
          10,
          contextExtensions.map(({ name, value }) => [name, value]),
        ),
      ],
    ],
  ]);
}

/** `Address` with a `SocketAddress`. */
function addressOf(address: string, port: number): ProtoField[] {
  return [
    [
      1,
      [
        [2, address],
        [3, port],
      ],
    ],
  ];
}

function httpRequest(request: CheckAttributes): ProtoField[] {
  const { id = "", method, headers, target, authority, scheme, bodyBytes, protocol } = request;
  return [
    [1, id],
    [2, method],
    ...entries(3, headers),
    [4, target],
    [5, authority],
    [6, scheme],
    [9, bodyBytes],
    [10, protocol],
  ];
}

/** A map is a list of messages with a key and a value. */
function entries(field: number, pairs: Iterable<readonly [key: string, value: string]>): ProtoField[] {
  return [...pairs].map(([key, value]): ProtoField => [
    field,
    [
      [1, key],
      [2, value],
    ],
  ]);
}

export interface HeaderChange {
  readonly name: string;
  readonly value: string;
  /** `Append`: beside what is there. The others say which of the two counts. */
  readonly action: "Append" | "AddIfAbsent" | "Overwrite" | "OverwriteIfExists";
}

export type CheckVerdict =
  | { readonly allowed: true; readonly ok: AllowedRequest }
  | {
      readonly allowed: false;
      readonly status: number;
      readonly headers: readonly HeaderChange[];
      readonly body: string;
    };

export interface AllowedRequest {
  readonly headers: readonly HeaderChange[];
  readonly headersToRemove: readonly string[];
  readonly responseHeaders: readonly HeaderChange[];
  readonly paramsToSet: readonly (readonly [name: string, value: string])[];
  readonly paramsToRemove: readonly string[];
}

const forbidden = 403;

/** Throws for octets that are no answer, and for one that says that the server has failed. */
export function readCheckResponse(octets: Uint8Array): CheckVerdict {
  const response = new ProtoMessage(octets);
  const code = response.message(1).number(1);
  if (code === 0) return { allowed: true, ok: readAllowed(response.message(3)) };
  if (response.has(5)) throw new Error(`the server says that it has failed, with status ${code}`);
  const denied = response.message(2);
  return {
    allowed: false,
    status: denied.message(1).number(1) || forbidden,
    headers: readHeaders(denied.messages(2)),
    body: denied.text(3),
  };
}

function readAllowed(ok: ProtoMessage): AllowedRequest {
  return {
    headers: readHeaders(ok.messages(2)),
    headersToRemove: ok
      .texts(5)
      .map((name) => name.toLowerCase())
      .filter(isFree),
    responseHeaders: readHeaders(ok.messages(6)),
    paramsToSet: ok.messages(7).map((param) => [param.text(1), param.text(2)] as const),
    paramsToRemove: ok.texts(8),
  };
}

const actions = ["Overwrite", "AddIfAbsent", "Overwrite", "OverwriteIfExists"] as const;

/**
 * `HeaderValueOption`. Without a word the server's value stands alone, as the API says of these messages: what a client
 * sends under the name of a header that says who it is must not be left beside it.
 */
function readHeaders(options: readonly ProtoMessage[]): HeaderChange[] {
  return options
    .map((option): HeaderChange => {
      const header = option.message(1);
      const value = header.text(2) || header.text(3);
      const append = option.has(2) ? option.message(2).number(1) === 1 : undefined;
      const action =
        append === undefined ? (actions[option.number(3)] ?? "Overwrite") : append ? "Append" : "Overwrite";
      return { name: header.text(1).toLowerCase(), value, action };
    })
    .filter(({ name }) => isFree(name));
}

/** Not what a message's framing and the way to its endpoint hang on. */
function isFree(name: string): boolean {
  const isOwn =
    hopByHopNames.includes(name) && name !== "proxy-authenticate" && name !== "proxy-authorization";
  return !isOwn && !isForged(name) && !/^(?::.*|host|content-length|upgrade|expect)$/.test(name);
}
