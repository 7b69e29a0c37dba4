import { arch } from 'node:os';
import type { Environment } from '../base/io/folders.js';
import { printable, quoted } from '../base/text/printable.js';
import { requireThat } from '../check-options.js';
import { DimgxError } from '../errors.js';

/** Source: OCI image-spec, image-index.md, platform. */
export interface Platform {
  readonly os: string;
  readonly architecture: string;
  readonly variant?: string;
}

/** Maps the architecture names of Node, kernels and distributions to OCI names. */
const ARCHITECTURES: Readonly<Record<string, readonly [architecture: string, variant?: string]>> = {
  x64: ['amd64'],
  x86_64: ['amd64'],
  'x86-64': ['amd64'],
  aarch64: ['arm64'],
  arm64v8: ['arm64'],
  x86: ['386'],
  ia32: ['386'],
  i386: ['386'],
  i486: ['386'],
  i586: ['386'],
  i686: ['386'],
  armhf: ['arm', 'v7'],
  armel: ['arm', 'v6'],
  armv5l: ['arm', 'v5'],
  armv6l: ['arm', 'v6'],
  armv7l: ['arm', 'v7'],
  arm32v5: ['arm', 'v5'],
  arm32v6: ['arm', 'v6'],
  arm32v7: ['arm', 'v7'],
  ppc64el: ['ppc64le'],
  powerpc64le: ['ppc64le'],
  mipsel: ['mipsle'],
  mips64el: ['mips64le'],
  loongarch64: ['loong64'],
};

/** Architectures whose variants are version numbers. */
const VERSIONED: readonly string[] = ['arm', 'arm64', 'amd64'];

/** Variant assumed for an architecture if none is named. Source: containerd, platforms/database.go. */
const STANDARD_VARIANTS: Readonly<Record<string, number>> = { arm: 7, arm64: 8, amd64: 1 };

/** Architecture names of the OCI, which follow Go's. */
const OCI_ARCHITECTURES: readonly string[] = [
  ...['amd64', 'arm64', 'arm', '386', 'ppc64le', 'ppc64', 's390x', 'riscv64', 'loong64'],
  ...['mips', 'mipsle', 'mips64', 'mips64le', 'wasm'],
];

/**
 * The platform to prefer if the caller names none: `DOCKER_DEFAULT_PLATFORM` if set, else Linux on this machine's
 * architecture.
 *
 * @throws DIMGX_OPTION_INVALID if the variable is not a platform
 */
export function defaultPlatform(env: Environment = process.env): Platform {
  return environmentPlatform(env) ?? normalized('linux', arch(), undefined);
}

/**
 * @returns the platform in `DOCKER_DEFAULT_PLATFORM`; `undefined` if it is not set
 * @throws DIMGX_OPTION_INVALID
 */
export function environmentPlatform(env: Environment): Platform | undefined {
  const text = env.DOCKER_DEFAULT_PLATFORM;
  if (!text) return undefined;
  const platform = splitPlatform(text);
  if (platform) return platform;
  throw notPlatform(`DOCKER_DEFAULT_PLATFORM is ${quoted(text)}, which`);
}

/**
 * Parses `os/arch[/variant]`. An architecture alone implies Linux. Other common names of an architecture (`x86_64`,
 * `aarch64`, `armhf`) are accepted.
 *
 * @throws DIMGX_OPTION_INVALID
 */
export function parsePlatform(text: string): Platform {
  const platform = typeof text === 'string' ? splitPlatform(text) : undefined;
  if (platform) return platform;
  throw notPlatform(typeof text === 'string' ? quoted(text) : `a value of type ${typeof text}`);
}

/** @param what what is not a platform */
function notPlatform(what: string): DimgxError {
  const message = `${what} is not a platform: write os/arch[/variant], such as linux/arm64`;
  return new DimgxError('DIMGX_OPTION_INVALID', message);
}

/** @returns `undefined` if the text is not a platform */
function splitPlatform(text: string): Platform | undefined {
  const isArchitecture =
    Object.hasOwn(ARCHITECTURES, text.toLowerCase()) || OCI_ARCHITECTURES.includes(text.toLowerCase());
  const [os, architecture = '', variant, ...rest] = (isArchitecture ? `linux/${text}` : text).split('/');
  const wellFormed = [os, architecture, variant ?? 'x'].every((part) => part !== undefined && /^[\w.-]+$/.test(part));
  return os && wellFormed && rest.length === 0 ? normalized(os, architecture, variant) : undefined;
}

/** Platform fields of an index, a config or an engine. */
interface PlatformParts {
  readonly os?: string | null | undefined;
  readonly architecture?: string | null | undefined;
  readonly variant?: string | null | undefined;
}

/** A platform under its canonical names; `undefined` if the OS or the architecture is missing. */
export function platformOf(parts: PlatformParts | null | undefined): Platform | undefined {
  const { os, architecture, variant } = parts ?? {};
  return os && architecture ? normalized(os, architecture, variant || undefined) : undefined;
}

/** Maps the many spellings of a platform to one. Source: containerd, platforms/database.go. */
function normalized(anyOs: string, anyArchitecture: string, anyVariant: string | undefined): Platform {
  const [os, name, own] = [anyOs, anyArchitecture, anyVariant ?? ''].map((part) => part.toLowerCase()) as [
    string,
    string,
    string,
  ];
  const [architecture, implied = ''] = (Object.hasOwn(ARCHITECTURES, name) && ARCHITECTURES[name]) || [name];
  const version = /^v?(\d.*?)(?:\.0)?$/.exec(own)?.[1];
  const spelled = VERSIONED.includes(architecture) && version !== undefined ? `v${version}` : own || implied;
  const variant = architecture === '386' ? '' : spelled;
  return { os: os === 'macos' ? 'darwin' : os, architecture, ...(variant && { variant }) };
}

/** Whether `--platform` accepts the output of `formatPlatform`. */
export function isNameable({ os, architecture, variant = 'x' }: Platform): boolean {
  return [os, architecture, variant].every((part) => /^[\w.-]{1,24}$/.test(part));
}

/**
 * Writes a platform as `os/arch[/variant]`: printable, and at most 80 characters long.
 *
 * @throws DIMGX_OPTION_INVALID if it is not a platform
 */
export function formatPlatform(platform: Platform): string {
  const { os, architecture, variant } = platform ?? {};
  const isPlatform = typeof os === 'string' && typeof architecture === 'string' && typeof (variant ?? '') === 'string';
  requireThat(isPlatform, 'the platform', 'an object with the strings os and architecture', platform);
  return printable([os, architecture, ...(variant ? [variant] : [])].join('/'), 80);
}

/** Whether both have the same OS and architecture. Variants are ignored because configs often omit them. */
export function isSameMachine(one: Platform, other: Platform): boolean {
  return one.os === other.os && one.architecture === other.architecture;
}

/**
 * The offer that runs best on the wanted platform: same OS and architecture, and the newest variant that is not newer
 * than the wanted one. Among equals, the first wins.
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

/** Whether both are the same platform. Naming the standard variant makes no difference. */
export function isSamePlatform(one: Platform, other: Platform): boolean {
  if (!isSameMachine(one, other)) return false;
  const [version, others] = [versionOf(one), versionOf(other)];
  return version === undefined || others === undefined ? one.variant === other.variant : version === others;
}

/** How well an offer matches, from 0 up; `undefined` if it does not match. */
export function rankOf(wanted: Platform, offered: Platform): number | undefined {
  if (offered.os !== wanted.os || offered.architecture !== wanted.architecture) return undefined;
  const most = versionOf(wanted);
  const version = versionOf(offered);
  if (most === undefined || version === undefined) return offered.variant === wanted.variant ? 0 : undefined;
  return version <= most ? version : undefined;
}

/**
 * The version in a variant, or in the standard variant if none is named; `undefined` if the variant is not a version.
 */
function versionOf({ architecture, variant }: Platform): number | undefined {
  if (!variant) return STANDARD_VARIANTS[architecture] ?? 0;
  const [, major, minor = '0'] = /^v?(\d{1,3})(?:\.(\d{1,2}))?$/.exec(variant) ?? [];
  return major === undefined ? undefined : Number(major) + Number(minor) / 100;
}
