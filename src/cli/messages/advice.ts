import type { DimgxError, ErrorCode, HelpfulOption, WarningCode } from '../../index.js';

/** What to do on the command line about an error whose code alone tells. */
export const ADVICE_BY_CODE: Partial<Record<ErrorCode | WarningCode, string>> = {
  DIMGX_LIMIT_ENTRIES: 'raise --max-entries to read it',
  DIMGX_LIMIT_SIZE: 'raise --max-size to read it',
  DIMGX_TARGET_EXISTS: 'overwrite it with --force (-w), or name another file',
  DIMGX_TARGET_TERMINAL: 'redirect it, or name a file with --target (-t)',
  DIMGX_SOURCE_NO_SPACE: 'choose another folder with --tmp-dir',
};

/** The same for an error that names options of the library. */
export const ADVICE_BY_OPTION: Readonly<Record<HelpfulOption, string>> = {
  allowForeignLayers: '--allow-foreign-layers downloads it',
  blobs: 'if you trust a folder that has the blob, name it with --blobs DIR',
  caFile: 'name its certificate authority with --ca-file',
  certDir: 'name their folder with --cert-dir',
  host: 'name another with --host or DOCKER_HOST',
  image: "choose one with --image (its name, ID or @N, as 'dimgx images' lists them)",
  insecure: 'allow it with --insecure',
  offline: 'leave out --offline to download it',
  platform: 'choose one with --platform',
  pull: '--pull=missing pulls it',
};

/** What the message of an error does not say, because the library knows no flags; begins with a semicolon. */
export function adviceFor({ code, options = [], registry }: DimgxError): string {
  const parts = [
    ...(ADVICE_BY_CODE[code] ? [ADVICE_BY_CODE[code]] : []),
    ...options.map((option) => ADVICE_BY_OPTION[option]),
    ...(registry === undefined ? [] : [`store them with \`dimgx login ${registry}\``]),
  ];
  return parts.length > 0 ? `; ${parts.join(', or ')}` : '';
}
