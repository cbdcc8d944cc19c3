// Values that many of Istio's objects are made of. Fields: the protocol buffers of istio/api; a field that is not there is
// a finding, since whatever it says would be lost.
import { z } from "zod";

/** Durations of Go: `1.5s`, `100ms`, `1h30m`. */
export const goDuration = z
  .string()
  .max(64)
  .regex(
    /^(?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|ms|s|m|h))+$/,
    "expected a duration such as 1.5s or 100ms",
  );

export const port = z.int().min(1).max(65_535);
export const count = z.int().min(0).max(4_294_967_295);
export const labels = z.record(z.string(), z.string());
export const texts = z.array(z.string().max(4_096)).max(4_096);

/** One of them (a `oneof`); none is "whatever is there". */
export const stringMatch = z
  .strictObject({
    exact: z.string().max(4_096).optional(),
    prefix: z.string().max(4_096).optional(),
    regex: z.string().max(4_096).optional(),
  })
  .refine((value) => Object.values(value).filter((text) => text !== undefined).length <= 1, {
    message: "expected exact, prefix or regex, one of them",
  });
export type StringMatch = z.output<typeof stringMatch>;

export const portSelector = z.strictObject({ number: port });
export const percent = z.strictObject({ value: z.number().min(0).max(100).optional() });

/** `networking.istio.io/…` and `security.istio.io/…`: each version has the same fields. */
export const networkingVersions = ["v1", "v1beta1", "v1alpha3"] as const;
export const securityVersions = ["v1", "v1beta1"] as const;
