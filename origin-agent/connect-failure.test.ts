// Why there is no connection, by the codes that Node gives.
import { expect, test } from "vitest";
import { resetTable } from "#contract/tunnel/code.ts";
import { AgentError } from "./agent-error.ts";
import { connectFailure } from "./connect-failure.ts";

const failed = (code: string): Error => Object.assign(new Error("no connection"), { code });

test.each([
  ["ECONNREFUSED", "connect_failed"],
  ["ETIMEDOUT", "connect_failed"],
  ["ERR_TLS_CERT_ALTNAME_INVALID", "certificate_mismatch"],
  ["CERT_HAS_EXPIRED", "certificate_expired"],
  ["CERT_NOT_YET_VALID", "certificate_expired"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "certificate_untrusted"],
  ["ERR_SSL_WRONG_VERSION_NUMBER", "tls_failed"],
  ["EPROTO", "tls_failed"],
] as const)("%s is %s, after which another attempt is safe", (code, reset) => {
  expect(connectFailure(failed(code))).toBe(reset);
  expect(resetTable[reset].safe).toBe(true);
});

test("what may not be dialled is no failure of the endpoint; certificates that cannot be read are no refusal", () => {
  expect(connectFailure(new AgentError("dial_refused", "not allowed"))).toBe("endpoint_not_allowed");
  expect(connectFailure(new AgentError("endpoint_tls_unusable", "no such file"))).toBe("connect_failed");
  expect(connectFailure(null)).toBe("connect_failed");
});
