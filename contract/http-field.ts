// Header fields as configurations write them.
import { z } from "zod";

/** RFC 9110 §5.6.2 token. */
export const headerNameSchema = z
  .string()
  .max(256)
  .regex(/^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/, "expected an HTTP header name (RFC 9110 token)");

/** RFC 9110 §5.5 field value: no control characters, so no value can end a header line. */
export const headerValueSchema = z
  .string()
  .max(4096)
  // oxlint-disable-next-line no-control-regex
  .regex(/^[^\u0000-\u0008\u000A-\u001F\u007F]*$/, "expected a header value without control characters");

export const headerSchema = z.strictObject({
  name: headerNameSchema.describe("Name, without case."),
  value: headerValueSchema.describe("Value, without line ends."),
});
