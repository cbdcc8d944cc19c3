// `--connect-to` for what the Worker dials itself: the rules that the supervisor has read from its command line, as JSON
// in the binding `CONNECT_TO`.
import { z } from "zod";
import { applyConnectTo } from "#traffic/connection/connect-to.ts";

const ruleSchema = z.object({
  host: z.string().optional(),
  port: z.number().optional(),
  toHost: z.string().optional(),
  toPort: z.number().optional(),
});

export type ConnectTo = (
  address: string,
  port: number,
) => { readonly address: string; readonly port: number };

/** The first rule that fits decides. Throws for anything that the supervisor does not write. */
export function compileConnectTo(json: string | undefined): ConnectTo {
  const rules = json ? z.array(ruleSchema).parse(JSON.parse(json)) : [];
  return (address, port) => {
    const { host, port: toPort } = applyConnectTo(rules, address, port);
    return { address: host, port: toPort };
  };
}
