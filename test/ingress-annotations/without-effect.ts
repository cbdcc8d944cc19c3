// What tunes nginx, and what is refused because it would be missed.
import { notFlag, notInteger, notSize, withoutEffect, type Row, type Rows } from "./row.ts";

const logs = "settings of the whole configuration";
const streams = "bodies stream through the gateway";
const onOff = { maybe: 'expected "on" or "off"' } as const;
const firewall = "there is no web application firewall";

function refusedAlways(values: Row["refused"], inert: readonly string[] = []): Row {
  return {
    samples: inert.map((value) => ({ value, see: [{ by: "web" as const }] })),
    ...(values && { refused: values }),
  };
}

export const effectlessRows: Rows = {
  "client-body-buffer-size": withoutEffect("16k", streams, { inert: ["8k"], refused: notSize }),
  "proxy-buffering": withoutEffect("on", streams, { inert: ["off"], refused: onOff }),
  "proxy-buffers-number": withoutEffect("8", streams, { inert: ["4"], refused: notInteger }),
  "proxy-buffer-size": withoutEffect("16k", streams, { inert: ["4k"], refused: notSize }),
  "proxy-busy-buffers-size": withoutEffect("16k", streams, { refused: notSize }),
  "proxy-max-temp-file-size": withoutEffect("1m", streams, { inert: ["0", "1024m"], refused: notSize }),
  "proxy-request-buffering": {
    samples: [
      { value: "on", see: [{ by: "web" }] },
      { value: "off", see: [{ by: "web" }] },
    ],
    refused: onOff,
  },
  "proxy-http-version": withoutEffect("1.0", "spoken to in HTTP/1.1", {
    inert: ["1.1"],
    refused: { "2": 'expected "1.0" or "1.1"' },
  }),
  "connection-proxy-header": withoutEffect("close", "kept alive by the runtime", {
    inert: ["keep-alive"],
    refused: { upgrade: 'expected "close" or "keep-alive"' },
  }),
  "http2-push-preload": withoutEffect("true", "given up server push", { inert: ["false"], refused: notFlag }),
  "ssl-ciphers": withoutEffect("HIGH:!MD5", "ciphers of the runtime", {
    refused: { "HIGH MD5": "expected a list of ciphers" },
  }),
  "ssl-prefer-server-ciphers": withoutEffect("true", "ciphers of the runtime", { refused: notFlag }),
  "enable-access-log": withoutEffect("false", logs, { inert: ["true"], refused: notFlag }),
  "enable-rewrite-log": withoutEffect("true", logs, { inert: ["false"], refused: notFlag }),
  "enable-opentelemetry": withoutEffect("true", logs, { inert: ["false"], refused: notFlag }),
  "enable-opentracing": withoutEffect("true", logs, { inert: ["false"], refused: notFlag }),
  "opentelemetry-trust-incoming-span": withoutEffect("true", logs, { inert: ["false"], refused: notFlag }),
  "opentelemetry-operation-name": withoutEffect("shop", logs, {
    refused: { "a b": "expected letters, digits" },
  }),
  "opentracing-trust-incoming-span": withoutEffect("true", logs, { inert: ["false"], refused: notFlag }),
  "enable-modsecurity": refusedAlways({ true: firewall }, ["false"]),
  "enable-owasp-core-rules": refusedAlways({ true: firewall }, ["false"]),
  "modsecurity-snippet": refusedAlways({ "SecRuleEngine On": firewall }),
  "modsecurity-transaction-id": refusedAlways({ $request_id: firewall }),
  "fastcgi-index": refusedAlways({ "index.php": "FastCGI cannot be reached" }),
  "fastcgi-params-configmap": refusedAlways({ "default/params": "FastCGI cannot be reached" }),
  "stream-snippet": refusedAlways({ "server { listen 8000; }": "its connections would not be served" }),
};
