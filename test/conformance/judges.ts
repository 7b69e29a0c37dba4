import { readFile } from 'node:fs/promises';
import type { Case } from './case.js';
import type { Verdict } from './verdict.js';

/** The engines that cases are compared with, and the files where their verdicts are kept. */
export const JUDGES = {
  'Docker 20.10 overlay2': 'docker-overlay2.json',
  'Docker 20.10 vfs': 'docker-vfs.json',
  'Podman 4.3': 'podman.json',
  'umoci 0.4.7': 'umoci.json',
} as const;

export type Judge = keyof typeof JUDGES;

/** By the title of the case; those that an engine was not asked are left out. */
export type Verdicts = Readonly<Record<string, Verdict>>;

export function verdictsFile(judge: Judge): string {
  return new URL(`verdicts/${JUDGES[judge]}`, import.meta.url).pathname;
}

export async function keptVerdicts(judge: Judge): Promise<Verdicts> {
  return JSON.parse(await readFile(verdictsFile(judge), 'utf8'));
}

/** Whether engines have a say: none selects layers, and some cases would do harm to them. */
export function isForEngines(example: Case): boolean {
  return example.notAsked === undefined && !('layers' in example && example.select);
}
