// What rules of every kind of route have in common: their name, and their share of a backend.
import { z } from "zod";
import { nameSchema, portSchema } from "#contract/snapshot.ts";

/** Starts with a letter and has no `/`, so that rule ids (`<route>/<name>` or `<route>/<index>`) are unique. */
export const ruleNameField = z
  .string()
  .max(253)
  .regex(
    /^[A-Za-z]([A-Za-z0-9._-]*[A-Za-z0-9])?$/,
    "expected a letter, then letters, digits, '-', '.' or '_'",
  )
  .optional()
  .describe("Unique within the route; shown in logs and metrics. Default: the rule's index.");

export const backendRefFields = {
  // Required although it may be null: a name that was forgotten is a mistake, not an answer.
  name: nameSchema
    .nullable()
    .describe(
      "Name of a backend. null: none; its share is answered 500, as that of an invalid reference in the Gateway API.",
    ),
  weight: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(1)
    .describe(
      "Share of the rule's requests or connections, relative to the sum of its weights. Default: 1. 0: none.",
    ),
};

export const preferredEndpointField = z
  .strictObject({
    address: z.string().min(1).max(255).describe("Its address, as the backend has it."),
    port: portSchema.describe("Its port."),
  })
  .optional()
  .describe(
    "Endpoint that gets all of these requests or connections while it is up, whatever its weight (HAProxy `use-server`). Default: they are balanced.",
  );
