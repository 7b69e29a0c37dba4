import { arch } from 'node:os';
import { DimgxError } from '../errors.js';
import { printable, quoted } from './printable.js';

/** Source: OCI image-spec, image-index.md, platform. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** What other names, Node's and the kernel's among them, call an architecture of the OCI. */
const ARCHITECTURES: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  x64: ['amd64'],
  x86_64: ['amd64'],
  'x86-64': ['amd64'],
  aarch64: ['arm64'],
  ia32: ['386'],
  i386: ['386'],
  i686: ['386'],
  armhf: ['arm', 'v7'],
  armel: ['arm', 'v6'],
  ppc64el: ['ppc64le'],
};

/** The variant that an architecture means when none is named. Source: containerd, platforms/database.go. */
const STANDARD_VARIANTS: Readonly<Record<string, number>> = { arm: 7, arm64: 8, amd64: 1 };

/** Linux on this machine's architecture, in the OCI's names. */
export function defaultPlatform(): Platform {
  const [architecture, variant] = ARCHITECTURES[arch()] ?? [arch()];
  return { os: 'linux', architecture, ...(variant && { variant }) };
}

/**
 * Reads `os/arch[/variant]`; other usual names of an architecture (`x86_64`, `aarch64`, `armhf`) are understood.
 *
 * @throws DIMGX_CLI_USAGE
 */
export function parsePlatform(text: string): Platform {
  const [os, name = '', ownVariant, ...rest] = text.toLowerCase().split('/');
  const wellFormed = [os, name, ownVariant ?? 'x'].every((part) => part !== undefined && /^[\w.-]+$/.test(part));
  if (!os || !wellFormed || rest.length > 0) {
    throw new DimgxError(
      'DIMGX_CLI_USAGE',
      `${quoted(text)} is no platform: write it as os/arch[/variant], like linux/arm64`,
    );
  }
  const [architecture, impliedVariant] = ARCHITECTURES[name] ?? [name];
  const variant = ownVariant ?? impliedVariant;
  return { os, architecture, ...(variant && { variant }) };
}

export function formatPlatform({ os, architecture, variant }: Platform): string {
  return printable([os, architecture, ...(variant ? [variant] : [])].join('/'), 80);
}

/** Whether both are for one kind of machine, as far as configs tell: these often leave the variant out. */
export function isSameMachine(one: Platform, other: Platform): boolean {
  return one.os === other.os && one.architecture === other.architecture;
}

/**
 * The offer that runs best on the wanted platform: the same OS and architecture and the newest variant that is not newer
 * than the wanted one. Of equals the first.
 */
export function choosePlatform<Offer>(
  wanted: Platform,
  offers: readonly Offer[],
  platformOf: (offer: Offer) => Platform | undefined,
): Offer | undefined {
  let best: { readonly offer: Offer; readonly rank: number } | undefined;
  for (const offer of offers) {
    const platform = platformOf(offer);
    const rank = platform && rankOf(wanted, platform);
    if (rank !== undefined && rank > (best?.rank ?? -1)) best = { offer, rank };
  }
  return best?.offer;
}

/** How well an offer serves, from 0; `undefined` when it does not. */
function rankOf(wanted: Platform, offered: Platform): number | undefined {
  if (offered.os !== wanted.os || offered.architecture !== wanted.architecture) return undefined;
  const most = versionOf(wanted);
  const version = versionOf(offered);
  if (most === undefined || version === undefined) return offered.variant === wanted.variant ? 0 : undefined;
  return version <= most ? version : undefined;
}

/** The number in a variant, or in the one that is meant; `undefined` for a variant that is no number. */
function versionOf({ architecture, variant }: Platform): number | undefined {
  if (!variant) return STANDARD_VARIANTS[architecture] ?? 0;
  const number = /^v?(\d{1,3})$/.exec(variant)?.[1];
  return number === undefined ? undefined : Number(number);
}
