import { DEFAULT_COMMAND } from '#dimgx/cli/commands/command-table.js';
import type { OptionRow } from '#dimgx/cli/options/option-row.js';
import { OPTION_TABLE } from '#dimgx/cli/options/option-table.js';
import type { Warning } from '#dimgx/errors.js';
import { matchingImages } from '#dimgx/image/choose/choose-image.js';
import { parsePlatform } from '#dimgx/image/platform.js';
import { selectLayers } from '#dimgx/image/select-layers.js';
import type { Digest } from '#dimgx/reference/digest.js';
import { parseReference } from '#dimgx/source/reference.js';
import { USAGES } from '#dimgx/source/sources.js';
import { imageValue, layerValue } from '../../helpers/image-value.js';
import { commandLineReader } from '../../helpers/read-line.js';
import { mutatedBytes, ODD_NUMBERS } from '../mutations/bytes.js';
import { oneOf, type Random } from '../random.js';
import { must, type Target } from '../target.js';

const readLine = await commandLineReader({ name: '', row: DEFAULT_COMMAND, args: [] });
const ROWS = Object.entries<OptionRow>(OPTION_TABLE);
const HEX = '0123456789abcdef'.repeat(4);
const idOf = (number: number) => `${number}${HEX.slice(1)}`;
const LAYERS = [1, 1, 2, 3].map((number, i) =>
  layerValue({
    diffId: `sha256:${idOf(number)}` as Digest,
    legacyId: idOf(i + 4),
    tags: i === 3 ? ['box:latest', 'a:b'] : [],
    name: `layer ${i}`,
  }),
);
const IMAGE = imageValue(LAYERS);
const CANDIDATES = [
  { names: ['docker.io/library/box:latest'], ids: [idOf(1)] as const },
  { names: ['other:1', 'box@sha256:1'], ids: [idOf(2), idOf(3)] as const },
];

const VALUES = [
  ...[
    '-',
    '',
    'x',
    'x:y',
    '@1',
    '@-1',
    '@0',
    '@99999999999',
    '1:2',
    '1:',
    ':',
    '::',
    `sha256:${idOf(2)}`,
    'box',
    'a:b:2',
    '01',
  ],
  ...[
    '@1:@-1',
    '4:7',
    '7:4',
    'linux/amd64',
    'linux/arm/v7',
    'arm64',
    'docker-archive:x:@0',
    'dir:',
    ...USAGES.map((usage) => usage.replace(/\[(.*)\]/, '$1').toLowerCase()),
  ],
  ...[
    'docker-daemon:',
    `x@sha256:${HEX}`,
    '%(message)s',
    '%(levelname)-8.3s %(asctime)s %%',
    '%(message)99s',
    '%(message)999999999999d',
    '%',
    '%(x)d',
  ],
  ...['10GB', '1.5T', '1k b', 'debug', 'never', 'auto', 'missing', ...ODD_NUMBERS],
];

/** Arguments, as far as they go without opening anything: options, references, platforms, layer specs, log formats. */
export const commandLine: Target<readonly string[]> = {
  name: 'command-line',
  share: 20,
  batch: 1000,
  seeds: () => [
    ['box'],
    ['-zwt', 'out.tar', '-l@1', 'x'],
    ['--target=out.tgz', '--layers', '1:3', '-l', 'box', '--reverse', 'docker-archive:x.tar:@1'],
    ['--log-format', '%(levelname)s %(message)s', '--log-level', 'DEBUG', '-qq', '-'],
    ['--platform', 'linux/arm64/v8', '--max-size=10G', '--max-entries', '5', '--threads=2', '--', '-x'],
    ['--pull', '--host=x', '--image=@1', 'oci:d:t'],
  ],
  mutate(args, random) {
    const mutated = [...args];
    for (let times = 1 + random(3); times > 0; times--) mutateOnce(mutated, random);
    return mutated;
  },
  run(args) {
    const line = readLine(args);
    if (!line) return;
    const { library, messages } = line;
    parseReference(line.operands[0] ?? '');
    if (library.platform !== undefined) parsePlatform(library.platform);
    if (library.image !== undefined) matchingImages(CANDIDATES, library.image);
    const warnings: Warning[] = [];
    const selected = selectLayers(IMAGE, library, (warning) => warnings.push(warning));
    must(new Set(selected).size === selected.length, 'a layer is selected twice');
    for (const { message } of warnings) must(!/\p{Cc}/u.test(message), 'a warning is not printable');
    messages.format?.({ level: 'info', message: 'message', time: new Date(0) });
  },
};

function mutateOnce(args: string[], random: Random): void {
  const at = random(args.length + 1);
  switch (random(6)) {
    case 0:
      args.splice(at, 1);
      break;
    case 1:
      args.splice(at, 0, oneOf(VALUES, random));
      break;
    case 2:
      args.splice(at, 0, optionOf(random));
      break;
    case 3:
      args.splice(at, 0, ...args.slice(random(args.length + 1)).slice(0, 2));
      break;
    case 4:
      args[at] = `${args[at] ?? ''}${oneOf(['', ':', '=', '@', '-'], random)}${oneOf(VALUES, random)}`;
      break;
    default:
      args[at] = mutatedBytes(Buffer.from(args[at] ?? ''), random).toString(random(2) === 0 ? 'latin1' : 'utf8');
  }
}

function optionOf(random: Random): string {
  const [name, { alias, type }] = oneOf(ROWS, random);
  const isLong = alias === undefined || random(2) === 0;
  const option = isLong ? `--${name.slice(0, 1 + random(name.length))}` : `-${alias}`;
  return type === 'string' && random(2) === 0 ? `${option}${isLong ? '=' : ''}${oneOf(VALUES, random)}` : option;
}
