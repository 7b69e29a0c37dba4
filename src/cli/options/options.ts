import type { CompressionName } from '../../compression/codecs.js';
import type { FlattenOptions } from '../../flatten.js';
import { parsePlatform } from '../../image/platform.js';
import { type MessageSettings, messageSettings } from '../messages/message-settings.js';
import type { Argv } from './argv.js';
import { defined } from './defined.js';
import { oneOf } from './one-of.js';
import { OPTION_TABLE, PULL_CHOICES } from './option-table.js';
import { parseCount, parseSize } from './parse-number.js';
import { type Given as GivenOf, readOptions } from './read-options.js';
import { registrySettings } from './registry-settings.js';
import { usageError } from './usage-error.js';

/** What the command line asks for. */
export interface Invocation extends MessageSettings {
  readonly action: 'list' | 'flatten';
  readonly reference: string;
  /** A path, or `-`; empty for `list`. */
  readonly target: string;
  readonly library: FlattenOptions;
  readonly json: boolean;
  readonly quiet: boolean;
}

type Given = GivenOf<typeof OPTION_TABLE>;

/**
 * Reads the options and operands of a normalised command line that has neither `--help` nor `--version`.
 *
 * @throws DIMGX_CLI_USAGE
 */
export function parseOptions(argv: Argv): Invocation {
  const given = readOptions(argv, OPTION_TABLE);
  const [reference, ...others] = argv.operands;
  if (reference === undefined || reference === '') throw usageError('no image is named');
  if (others.length > 0) throw usageError(`one image at a time, not also "${others.join('", "')}"`);
  if (given.target === '') throw usageError('--target wants a path');

  return {
    action: given.target === undefined ? 'list' : 'flatten',
    reference,
    target: given.target ?? '',
    library: libraryOptions(given),
    json: given.json === true,
    quiet: given.quiet === true,
    ...messageSettings(given),
  };
}

function libraryOptions(given: Given): FlattenOptions {
  const limits = defined({
    maxSize: parsed('--max-size', given['max-size'], parseSize),
    maxEntries: parsed('--max-entries', given['max-entries'], (option, text) => parseCount(option, text, 1)),
  });
  return defined({
    layers: given.layers === undefined ? undefined : [given.layers].flat(),
    reverse: given.reverse,
    strict: given.strict,
    force: given.force,
    excludeDevices: given['exclude-devices'],
    compression: compressionOf(given),
    level: parsed('--compress-level', given['compress-level'], (option, text) => parseCount(option, text, 0, 19)),
    platform: parsed('--platform', given.platform, checkPlatform),
    image: given.image,
    blobs: given.blobs === undefined ? undefined : [given.blobs].flat(),
    host: given.host,
    pull: parsed('--pull', given.pull, (option, text) => oneOf(option, text, PULL_CHOICES)),
    ...registrySettings(given),
    tmpDir: given['tmp-dir'],
    threads: parsed('--threads', given.threads, (option, text) => parseCount(option, text, 1)),
    cache: given['no-cache'] ? false : undefined,
    offline: given.offline,
    verify: given['no-verify'] ? false : given.verify,
    strictInput: given['strict-input'],
    limits: Object.keys(limits).length > 0 ? limits : undefined,
  });
}

function compressionOf(given: Given): CompressionName | undefined {
  if (given['no-compress']) return 'none';
  return (['gzip', 'bzip2', 'xz', 'zstd'] as const).find((name) => given[name]);
}

function checkPlatform(option: string, text: string): string {
  try {
    parsePlatform(text);
    return text;
  } catch {
    throw usageError(`${option} wants os/arch, os/arch/variant or an architecture, not "${text}"`);
  }
}

function parsed<T>(
  option: string,
  text: string | undefined,
  parse: (option: string, text: string) => T,
): T | undefined {
  return text === undefined ? undefined : parse(option, text);
}
