// docs/ingress-nginx-tests.md, made from the list of tests, so that it cannot say anything else than they do.
import type { UpstreamFile, UpstreamTest } from "./upstream-test.ts";

export function reportText(files: readonly UpstreamFile[]): string {
  const all = files.flatMap(({ tests }) => tests);
  const absent = files.flatMap((file) => Object.keys(file.absent ?? {}));
  const count = (kind: Kind): number => all.filter((test) => kindOf(test) === kind).length;
  return `# The end-to-end tests of ingress-nginx

Each test of \`test/e2e\` of kubernetes/ingress-nginx (2026-03) by its name, and what becomes of it here. The objects are our own
and ask the same; they are served by \`isthmus serve\` over real sockets, with pods of the same machine behind the Services.
\`test/ingress-nginx.test.ts\` runs them and compares this page with their list, so a test that fails, or one that is added,
fails CI until the page says so.

Of ${all.length + absent.length} tests ${count("pass")} pass. ${count("warning")} set what has no effect here: they are served, and a warning says so. ${count("refused")} ask
for what cannot be had: an error names it, and with \`--isolate\` all other objects are served as if theirs were not there. ${absent.length}
have no equivalent. Where a test changes objects and waits, each of its states stands by itself. Where it reads nginx's
configuration, what the text is for is looked at, if it can be seen.

${files.map(fileText).join("\n")}`;
}

type Kind = "pass" | "warning" | "refused";

function kindOf({ states }: UpstreamTest): Kind {
  if (states.some(({ refused }) => refused !== undefined)) return "refused";
  return states.some(({ warns }) => warns !== undefined) ? "warning" : "pass";
}

function fileText({ file, tests, absent = {} }: UpstreamFile): string {
  const rows = [
    ...tests.map((test) => `| ${cell(test.name)} | ${resultOf(test)} |`),
    ...Object.entries(absent).map(([name, reason]) => `| ${cell(name)} | not run: ${reason} |`),
  ];
  return `## ${file}\n\n| test | result |\n|---|---|\n${rows.join("\n")}\n`;
}

function resultOf(test: UpstreamTest): string {
  const kind = kindOf(test);
  if (kind === "pass") return "pass";
  const found = test.states.find(({ warns, refused }) => (kind === "refused" ? refused : warns));
  return kind === "refused"
    ? `error: ${cell(found!.refused!)}`
    : `served, with a warning: ${cell(found!.warns!)}`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|").replaceAll("\n", " ").replaceAll("*", "\\*").trim();
}
