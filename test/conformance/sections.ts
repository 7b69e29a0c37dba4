import type { Case, Rule, Section } from './case.js';
import { ARCHIVES } from './rules/archives.js';
import { AUFS } from './rules/aufs.js';
import { COMPRESSION } from './rules/compression.js';
import { DOCKER_V1 } from './rules/docker-v1.js';
import { DUPLICATES } from './rules/duplicates.js';
import { ENDS } from './rules/ends.js';
import { EXTENSIONS } from './rules/extensions.js';
import { FAMILIES } from './rules/families.js';
import { HARD_LINKS } from './rules/hard-links.js';
import { HEADERS } from './rules/headers.js';
import { METADATA } from './rules/metadata.js';
import { NAMES } from './rules/names.js';
import { OPAQUE_MARKERS } from './rules/opaque-markers.js';
import { PARENTS } from './rules/parents.js';
import { PITFALLS_AT_EDGES } from './rules/pitfalls-at-edges.js';
import { PITFALLS_OF_INPUTS } from './rules/pitfalls-of-inputs.js';
import { PITFALLS_OF_TREES } from './rules/pitfalls-of-trees.js';
import { REPLACING } from './rules/replacing.js';
import { SELECTION } from './rules/selection.js';
import { SPARSE } from './rules/sparse.js';
import { TYPES } from './rules/types.js';
import { WHITEOUTS } from './rules/whiteouts.js';

/** How layers apply: all rules, in the order of the table. */
export const SECTIONS: readonly Section[] = [
  ...[FAMILIES, NAMES, PARENTS, REPLACING, WHITEOUTS, OPAQUE_MARKERS, AUFS, DUPLICATES, HARD_LINKS, TYPES, METADATA],
  ...[HEADERS, EXTENSIONS, SPARSE, ENDS, COMPRESSION, ARCHIVES, DOCKER_V1],
  ...[PITFALLS_OF_TREES, PITFALLS_AT_EDGES, PITFALLS_OF_INPUTS, SELECTION],
];

/** A case with the name that is its own among all. */
export interface NamedCase {
  readonly title: string;
  readonly rule: Rule;
  readonly example: Case;
}

export const CASES: readonly NamedCase[] = SECTIONS.flatMap(({ rules }) =>
  rules.flatMap((rule) => rule.cases.map((example) => ({ title: titleOf(rule, example), rule, example }))),
);

export function titleOf(rule: Rule, example: Case): string {
  return `${rule.row} ${example.name}`;
}
