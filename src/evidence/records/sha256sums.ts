import { latin1 } from '../../tar/pax.js';
import type { RecordWriter } from '../recorded-entry.js';

/**
 * The SHA-256 of every name of every regular file: what `sha256sum` of GNU coreutils 9 prints for `./path`, and
 * `sha256sum -c` checks.
 */
export function sha256sumsRecord(): RecordWriter {
  return {
    heading: () => '',
    needsHashes: true,
    hasHidden: false,
    line({ path, sha256 }) {
      if (sha256 === undefined) return '';
      const name = latin1(path);
      if (!ESCAPED.test(name)) return `${sha256}  ./${name}\n`;
      return `\\${sha256}  ./${name.replaceAll(EACH_ESCAPED, (byte) => ESCAPES[byte] as string)}\n`;
    },
  };
}

const ESCAPED = /[\\\n\r]/;
const EACH_ESCAPED = /[\\\n\r]/g;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r' };
