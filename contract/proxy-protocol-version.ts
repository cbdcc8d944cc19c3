// The PROXY protocol as its specification numbers it: a line of text, or a binary header.
import { z } from "zod";

export const proxyProtocolVersionSchema = z.enum(["V1", "V2"]);
export type ProxyProtocolVersion = z.infer<typeof proxyProtocolVersionSchema>;
