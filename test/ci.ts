// `npm run ci`: every check in order, stopping at the first that fails to run, and one closing line that counts the
// tests of all suites: `N passed, N failed`.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

interface Report {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
}

const scratch = mkdtempSync(join(tmpdir(), "isthmus-ci-"));
const sum = { passed: 0, failed: 0, skipped: 0 };

function step(title: string, script: string[]): boolean {
  console.log(`\n=== ${title}: npm run ${script.join(" ")}`);
  return spawnSync("npm", ["run", "--silent", ...script], { stdio: "inherit" }).status === 0;
}

/** A check without a test count counts as one. */
function check(title: string, script: string[]): void {
  if (step(title, script)) sum.passed += 1;
  else sum.failed += 1;
}

/** What a deployment uploads, gzipped, against its budget. */
function bundleSize(file: string, limitBytes: number): void {
  const bytes = existsSync(file) ? gzipSync(readFileSync(file)).length : Infinity;
  console.log(`\n=== ${file}: ${bytes} of ${limitBytes} bytes gzipped`);
  if (bytes < limitBytes) sum.passed += 1;
  else sum.failed += 1;
}

function suite(title: string, script: string): void {
  const file = join(scratch, `${script.replace(":", "-")}.json`);
  const ran = step(title, [
    script,
    "--",
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${file}`,
  ]);
  const report = read(file);
  sum.passed += report.numPassedTests;
  sum.skipped += report.numPendingTests;
  // A suite that fails outside its tests (an import error, an unhandled rejection) has failed, too.
  sum.failed += report.numFailedTests > 0 || ran ? report.numFailedTests : 1;
}

function read(file: string): Report {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Report;
  } catch {
    return { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0 };
  }
}

check("format, lint, types", ["check"]);
check("build", ["build"]);
check("deploy, dry run", ["deploy:dry-run"]);
bundleSize("dist/dry-run/gateway/index.js", 340 * 1024);
suite("unit tests in Node and workerd", "test");
suite("end to end", "test:e2e");
check("benchmarks run", ["bench", "--", "--quick"]);
rmSync(scratch, { recursive: true, force: true });
console.log(`\n${sum.passed} passed, ${sum.failed} failed, ${sum.skipped} skipped`);
process.exit(sum.failed === 0 ? 0 : 1);
