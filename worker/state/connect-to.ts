// `--connect-to` for what the Worker dials itself: the rules that the supervisor has read from its command line, as JSON
// in the binding `CONNECT_TO`.
import { z } from "zod";

/** A rule applies where host and port fit; an absent field fits, or stays as it is. */
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
    const rule = rules.find(
      (candidate) =>
        (candidate.host === undefined || candidate.host.toLowerCase() === address.toLowerCase()) &&
        (candidate.port === undefined || candidate.port === port),
    );
    return { address: rule?.toHost ?? address, port: rule?.toPort ?? port };
  };
}
