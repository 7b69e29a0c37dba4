import { quoted } from '../../base/text/printable.js';
import { invalidBag } from './bag-error.js';

/** Name of the bag declaration. */
export const DECLARATION = 'bagit.txt';

/** Contents of the declaration of a new bag. */
export const DECLARED = 'BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n';

const VERSIONS = ['1.0', '0.97'] as const;

/** A version of BagIt that can be read. */
export type BagVersion = (typeof VERSIONS)[number];

const FORM =
  /^BagIt-Version(?<one>[ \t]*:[ \t]*)(?<version>\d+\.\d+)(?:\r\n|\n|\r)Tag-File-Character-Encoding(?<two>[ \t]*:[ \t]*)(?<encoding>[\w.:-]+)(?:\r\n|\n|\r)?$/;

/**
 * Reads a bag declaration. Only the encoding UTF-8 is read. Version 1.0 has exactly one blank after each colon. Source:
 * RFC 8493, 2.1.1.
 *
 * @throws DIMGX_BAG_INVALID
 */
export function readDeclaration(bytes: Buffer): BagVersion {
  const { one, version = '', two, encoding = '' } = FORM.exec(bytes.toString('latin1'))?.groups ?? {};
  const isStrict = [one, two].every((separator) => separator === ': ' || separator === ':\t');
  if (one === undefined || (version === '1.0' && !isStrict)) {
    throw invalidBag(`${DECLARATION} does not consist of the two lines that RFC 8493 asks for`, DECLARATION);
  }
  const known = VERSIONS.find((name) => name === version);
  if (known === undefined) {
    throw invalidBag(`${DECLARATION} declares BagIt ${version}: dimgx reads ${VERSIONS.join(' and ')}`, DECLARATION);
  }
  if (encoding.toUpperCase() !== 'UTF-8') {
    throw invalidBag(`${DECLARATION} declares the encoding ${quoted(encoding)}: dimgx reads UTF-8`, DECLARATION);
  }
  return known;
}
