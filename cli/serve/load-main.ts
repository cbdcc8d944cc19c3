// Process entry: loads the configuration that the arguments name, tells the launcher, and ends.
import { loadConfig } from "#config/load.ts";
import { redactKeys } from "#config/redact-keys.ts";
import { CommandError } from "../command-error.ts";
import { certificateSource, diagnosticCount, diagnosticText, readConfigFiles } from "../config-files.ts";
import { developmentNames } from "./listener-certificates.ts";
import type { LoadMessage, LoadOptions } from "./loaded-config.ts";

/** Throws `CommandError`. */
async function load({ files, isolate, strict }: LoadOptions): Promise<LoadMessage> {
  const sources = await readConfigFiles(files);
  const certificates = certificateSource(files);
  const { model, snapshot, diagnostics: found } = loadConfig(sources, { isolate, certificates });
  const diagnostics = diagnosticText(found).trimEnd();
  if (!model || !snapshot || (strict && found.length > 0)) {
    const message = `the configuration is not valid: ${diagnosticCount(found)}`;
    return { refused: { reason: "invalid", message, remedy: undefined }, diagnostics };
  }
  const loaded = {
    modelListeners: model.listeners,
    endpointTls: model.backends
      .filter(({ tls }) => tls)
      .map(({ name, tunnel, tls }) => ({ name, tunnel, tls })),
    listeners: snapshot.listeners,
    developmentNames: developmentNames(snapshot),
    sources: redactKeys(sources),
  };
  return { loaded, diagnostics };
}

const message = await load(JSON.parse(process.argv[2]!) as LoadOptions).catch(
  (error: unknown): LoadMessage => {
    if (!(error instanceof CommandError)) throw error;
    const { reason, message: text, remedy } = error;
    return { refused: { reason, message: text, remedy }, diagnostics: "" };
  },
);
process.send!(message, () => process.disconnect());
