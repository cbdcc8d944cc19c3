// YAML text → SourceDocument, in time and memory bounded by the length of the text.
import { Composer, isAlias, isMap, isSeq, type Document, type Node, type Pair, type YAMLMap } from "yaml";
import { limits } from "#contract/limits.ts";
import type { Path, Place } from "../report.ts";
import { lineIndex } from "./line-index.ts";
import type { DocumentResult, TextProblem } from "./source-document.ts";
import { yamlTokens } from "./yaml-tokens.ts";
import { isMergeKey, keyText, YamlValues, type YamlProblem } from "./yaml-values.ts";

/** One syntax error makes the parser stumble again and again; only the first ones tell something. */
const maxSyntaxProblems = 5;
const maxProblems = 100;

/** Takes JSON, too, and what is almost JSON. */
export function readYaml(text: string): DocumentResult {
  const placeOf = lineIndex(text);
  const problems: TextProblem[] = [];
  const problem = ({ offset, ...rest }: YamlProblem): void => {
    if (problems.length < maxProblems) problems.push({ ...rest, ...placeOf(offset) });
  };

  const { tokens, tooDeepAt } = yamlTokens(text, limits.configDepth);
  if (tooDeepAt !== undefined) {
    const message = `nested deeper than ${limits.configDepth} levels`;
    problem({ code: "yaml-too-deep", offset: tooDeepAt, message });
    return { problems };
  }
  // Duplicate keys are found by yamlValues: the composer compares each pair of keys, which is quadratic.
  const composer = new Composer({ version: "1.2", schema: "core", uniqueKeys: false, stringKeys: false });
  const [document, second] = composer.compose(tokens, true, text.length);
  if (!document) return { problems };
  reportSyntax(document, problem);
  if (problems.length > 0) return { problems };
  if (second) {
    const message = "expected one document, found a second one";
    const remedy = "Put each document into a file of its own; several files are merged.";
    problem({ code: "yaml-several-documents", offset: document.range[2], message, remedy });
    return { problems };
  }
  const root = document.contents as Node | null;
  const values = new YamlValues(limits.configAliasValues, problem);
  const value = values.read(root);
  if (problems.length > 0) return { problems };
  const locate = (path: Path, at: "key" | "value"): Place => placeOf(offsetOf(root, values, path, at));
  return { document: { value, locate }, problems };
}

function reportSyntax(document: Document.Parsed, problem: (problem: YamlProblem) => void): void {
  const { explicit, version } = document.directives.yaml;
  if (explicit && version !== "1.2") {
    const message = `expected YAML 1.2; found ${version}, in which "yes" and "on" mean true`;
    problem({ code: "yaml-syntax", offset: 0, message, remedy: "Remove the %YAML line." });
  }
  for (const error of document.errors.slice(0, maxSyntaxProblems)) {
    problem({ code: "yaml-syntax", offset: error.pos[0], message: sentence(error.message) });
  }
}

/** The package's messages start with a capital letter; ours go on after `error: `. */
function sentence(message: string): string {
  const firstLine = message.split("\n", 1)[0]!;
  return `not valid YAML: ${firstLine.charAt(0).toLowerCase()}${firstLine.slice(1)}`;
}

function offsetOf(root: Node | null, values: YamlValues, path: Path, at: "key" | "value"): number {
  let offset = root?.range?.[0] ?? 0;
  let node = root;
  for (const [index, step] of path.entries()) {
    const container = isAlias(node) ? values.target(node) : node;
    if (isSeq(container) && typeof step === "number" && step < container.items.length) {
      node = container.items[step] as Node;
      offset = node.range?.[0] ?? offset;
      continue;
    }
    const pair = isMap(container) ? findPair(container, values, String(step)) : undefined;
    if (!pair) break;
    node = pair.value;
    const wantsKey = (at === "key" && index === path.length - 1) || isEmpty(pair.value);
    offset = (wantsKey ? pair.key : pair.value)?.range?.[0] ?? offset;
  }
  return offset;
}

/** `key:` with nothing after it. */
function isEmpty(node: Node | null): boolean {
  return !node?.range || node.range[0] === node.range[1];
}

/** The pair that gave the map this key: its own, or that of the first merged map which has it. */
function findPair(map: YAMLMap, values: YamlValues, key: string): Pair<Node, Node | null> | undefined {
  const pairs = map.items as Pair<Node, Node | null>[];
  const own = pairs.find((pair) => !isMergeKey(pair.key) && keyText(pair.key) === key);
  if (own) return own;
  for (const merge of pairs.filter((pair) => isMergeKey(pair.key))) {
    const source = isAlias(merge.value) ? values.target(merge.value) : merge.value;
    for (const item of isSeq(source) ? source.items : [source]) {
      const merged = isAlias(item) ? values.target(item) : item;
      const found = isMap(merged) ? findPair(merged as YAMLMap, values, key) : undefined;
      if (found) return found;
    }
  }
  return undefined;
}
