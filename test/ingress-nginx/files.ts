// All tests, in the order of the report.
import { asideFiles } from "./aside.ts";
import { canariesFiles } from "./canaries.ts";
import { certificatesFiles } from "./certificates.ts";
import { clientCertificatesFiles } from "./client-certificates.ts";
import { corsFiles } from "./cors.ts";
import { credentialsFiles } from "./credentials.ts";
import { endpointsFiles } from "./endpoints.ts";
import { ingressesFiles } from "./ingresses.ts";
import { proxyingFiles } from "./proxying.ts";
import { routingFiles } from "./routing.ts";
import { servicesFiles } from "./services.ts";
import { sessionsFiles } from "./sessions.ts";
import { settingsAccessFiles } from "./settings-access.ts";
import { settingsProxyingFiles } from "./settings-proxying.ts";
import { settingsTuningFiles } from "./settings-tuning.ts";
import { settingsFiles } from "./settings.ts";
import type { UpstreamFile } from "./upstream-test.ts";

export const upstreamFiles: readonly UpstreamFile[] = [
  ...sessionsFiles,
  ...credentialsFiles,
  ...clientCertificatesFiles,
  ...canariesFiles,
  ...routingFiles,
  ...corsFiles,
  ...proxyingFiles,
  ...endpointsFiles,
  ...settingsFiles,
  ...settingsAccessFiles,
  ...settingsProxyingFiles,
  ...settingsTuningFiles,
  ...ingressesFiles,
  ...certificatesFiles,
  ...servicesFiles,
  ...asideFiles,
].toSorted((a, b) => (a.file < b.file ? -1 : 1));
