import { createHash } from 'node:crypto';
import { BAG_INFO, type BagInfoElement, formatBagInfo, formatOxum } from './bag-info.js';
import { DECLARATION, DECLARED } from './declaration.js';
import { encodePath } from './manifest-path.js';

/** A file of the payload, complete. */
export interface PayloadFile {
  /** From the bag on: it begins with `data/`. */
  readonly path: string;
  /** In bytes. */
  readonly size: number;
  /** In hex. */
  readonly sha256: string;
}

/** A file at the top of a bag, beside the payload. */
export interface TagFile {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What an examiner says about a bag. An absent or empty field is left out. */
export interface ExaminationOptions {
  readonly caseNumber?: string | undefined;
  readonly evidenceNumber?: string | undefined;
  readonly description?: string | undefined;
  readonly examiner?: string | undefined;
  readonly notes?: string | undefined;
}

/** What `bag-info.txt` says, apart from sums. */
export interface BagFacts extends ExaminationOptions {
  /** When the bag was made; its day in UTC is told. */
  readonly date: Date;
  /** The program that makes the bag, with its version. */
  readonly softwareAgent: string;
  /** Names of what is in the bag, such as the reference of an image and its ID. */
  readonly identifiers: readonly string[];
}

const MANIFEST = 'manifest-sha256.txt';
const TAG_MANIFEST = 'tagmanifest-sha256.txt';

/**
 * Makes the tag files of a bag of version 1.0. Both manifests are of the form that `sha256sum -c` reads, in the order of
 * the bytes of their paths. `bag-info.txt` uses the labels of RFC 8493 where it has one.
 *
 * @param others further tag files
 * @returns all of them, the tag manifest last
 */
export function makeTagFiles(
  payload: readonly PayloadFile[],
  facts: BagFacts,
  others: readonly TagFile[] = [],
): readonly TagFile[] {
  const files = [
    textFile(DECLARATION, DECLARED),
    textFile(BAG_INFO, formatBagInfo([...elementsOf(facts), oxumOf(payload)])),
    ...others,
    textFile(MANIFEST, manifestOf(payload)),
  ];
  const hashed = files.map(({ name, bytes }) => ({
    path: name,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }));
  return [...files, textFile(TAG_MANIFEST, manifestOf(hashed))];
}

function textFile(name: string, text: string): TagFile {
  return { name, bytes: Buffer.from(text) };
}

function elementsOf(facts: BagFacts): readonly BagInfoElement[] {
  const fields: readonly (readonly [label: string, value: string | undefined])[] = [
    ['Bagging-Date', facts.date.toISOString().slice(0, 10)],
    ['Bag-Software-Agent', facts.softwareAgent],
    ...facts.identifiers.map((value) => ['External-Identifier', value] as const),
    ['Case-Number', facts.caseNumber],
    ['Evidence-Number', facts.evidenceNumber],
    ['External-Description', facts.description],
    ['Examiner', facts.examiner],
    ['Notes', facts.notes],
  ];
  return fields.map(([label, value = '']) => ({ label, value }));
}

function oxumOf(payload: readonly PayloadFile[]): BagInfoElement {
  const bytes = payload.reduce((sum, { size }) => sum + size, 0);
  return { label: 'Payload-Oxum', value: formatOxum({ bytes, files: payload.length }) };
}

function manifestOf(files: readonly Pick<PayloadFile, 'path' | 'sha256'>[]): string {
  const sorted = files.toSorted((a, b) => Buffer.compare(Buffer.from(a.path), Buffer.from(b.path)));
  return sorted.map(({ path, sha256 }) => `${sha256}  ${encodePath(path)}\n`).join('');
}
