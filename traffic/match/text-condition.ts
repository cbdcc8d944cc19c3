// Conditions on texts that are put together from the request.
import { integerOf } from "#contract/text/apply-transform.ts";
import type { TextMatch } from "#contract/text-match.ts";
import { type ClientRequest, compileOptionalText, compileRequestText } from "../filter/request-text.ts";
import { compileCidrSet } from "../forwarding/cidr.ts";
import { parseIpAddress } from "../forwarding/ip-address.ts";
import type { PatternCompiler } from "./path-matcher.ts";
import type { RequestHead } from "./request-head.ts";

/** Throws what `compilePattern` throws. */
export function textCondition(
  match: TextMatch,
  compilePattern: PatternCompiler,
): (head: RequestHead) => boolean {
  const textOf = match.missingIsEmpty ? compileRequestText(match.parts) : compileOptionalText(match.parts);
  if (match.valueFrom) {
    const otherOf = compileOptionalText(match.valueFrom);
    return (head) => {
      const request = asClientRequest(head);
      const text = textOf(request);
      return text !== undefined && text === otherOf(request);
    };
  }
  const holds = textTest(match, compilePattern);
  return (head) => {
    const text = textOf(asClientRequest(head));
    return text !== undefined && holds(text);
  };
}

/** Scheme and port are decided before: no text of a match has them. */
function asClientRequest(head: RequestHead): ClientRequest {
  const { method, path, query, clientAddress = "unknown" } = head;
  const authority = head.header("host") ?? head.host;
  return {
    method,
    path,
    query,
    clientAddress,
    authority,
    scheme: "",
    port: 0,
    // Made up, or read from the connection, when it is asked for.
    get serverName() {
      return head.serverName;
    },
    get clientPort() {
      return head.clientPort;
    },
    get protocol() {
      return head.protocol;
    },
    get tlsVersion() {
      return head.tlsVersion;
    },
    get tlsCipher() {
      return head.tlsCipher;
    },
    get uniqueId() {
      return head.uniqueId;
    },
    timeMs: head.timeMs,
    get clientCertificate() {
      return head.clientCertificate;
    },
    get counters() {
      return head.counters;
    },
    endpointsUp: (backend) => head.endpointsUp?.(backend),
    header: (name) => head.header(name),
  };
}

function textTest(match: TextMatch, compilePattern: PatternCompiler): (text: string) => boolean {
  switch (match.type) {
    case "Exact":
      return (text) => text === match.value;
    case "Present":
      return () => true;
    case "RegularExpression": {
      const pattern = compilePattern(match.value ?? "");
      return (text) => pattern.test(text);
    }
    case "InRange": {
      const { min, max } = match.range ?? {};
      return (text) => {
        const number = integerOf(text);
        return text !== "" && (min === undefined || number >= min) && (max === undefined || number <= max);
      };
    }
    case "InNetworks": {
      const networks = compileCidrSet(match.cidrs ?? []);
      return (text) =>
        text.split(",").some((element) => {
          const address = parseIpAddress(element.trim());
          return address !== undefined && networks.contains(address);
        });
    }
  }
}
