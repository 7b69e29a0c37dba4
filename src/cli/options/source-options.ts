import { parsePlatform, type RegistryCredentials } from '../../index.js';
import { choice, flag, type OptionTable, text, wholeNumber } from './option-row.js';
import { usageError } from './usage-error.js';

/** Where the image comes from. */
export const SOURCE_OPTIONS = {
  image: {
    ...text,
    metavar: '=NAME',
    field: 'image',
    describe: 'choose one of several images in an archive: its name, its ID, or @N counted from @0',
  },
  blobs: {
    names: 'directory',
    ...text,
    metavar: '=DIR',
    repeatable: true,
    field: 'blobs',
    describe: 'also look in DIR for blobs that the archive or layout lacks, by digest; repeatable',
  },
  platform: {
    ...text,
    metavar: '=PLATFORM',
    read: readPlatform,
    field: 'platform',
    describe:
      'choose the platform: os/arch[/variant] or arch (default: DOCKER_DEFAULT_PLATFORM, or linux on this processor)',
  },
  pull: {
    ...choice(['missing', 'always', 'never']),
    metavar: '[=WHEN]',
    bare: 'missing',
    field: 'pull',
    describe: 'pull the image first, through the engine if there is one: missing, always or never (default)',
  },
  host: {
    ...text,
    metavar: '=URL',
    field: 'host',
    describe: 'URL of the engine (default: from DOCKER_HOST and docker contexts)',
  },
  'uid-map': {
    ...text,
    metavar: '=MAP',
    field: 'uidMap',
    describe:
      "user IDs of a container in an engine's storage: CONTAINER:HOST:SIZE, several with commas (default: as recorded)",
  },
  'gid-map': {
    ...text,
    metavar: '=MAP',
    field: 'gidMap',
    describe: 'the same for group IDs (default: those of --uid-map)',
  },
  'no-cache': { ...flag, field: 'cache', means: false, describe: 'do not use the cache of registry downloads' },
  offline: { ...flag, field: 'offline', means: true, describe: 'take images of registries from the cache only' },
  creds: {
    ...text,
    metavar: '=USER:PASSWORD',
    read: readCredentials,
    field: 'credentials',
    describe: 'credentials for the registry (default: those that docker login or podman login stored)',
  },
  authfile: {
    names: 'file',
    ...text,
    metavar: '=FILE',
    field: 'authFile',
    describe: 'read stored credentials from FILE only',
  },
  mirror: {
    ...text,
    metavar: '=HOST=URL',
    repeatable: true,
    field: 'mirrors',
    describe: 'ask URL before the registry HOST; repeatable',
  },
  jobs: {
    ...text,
    metavar: '=N',
    read: wholeNumber(1, 64),
    field: 'jobs',
    describe: 'download up to N layers at once, 1 to 64 (default: 3)',
  },
  'ca-file': {
    names: 'file',
    ...text,
    metavar: '=PATH',
    field: 'caFile',
    describe: 'also trust the certificate authorities in PATH for registries',
  },
  'cert-dir': {
    names: 'directory',
    ...text,
    metavar: '=DIR',
    field: 'certDir',
    describe: 'also use the certificates in DIR for the registry: *.crt, and NAME.cert with NAME.key',
  },
  'plain-http': { ...flag, field: 'plainHttp', means: true, describe: 'use plain HTTP for the registry' },
  retry: {
    ...text,
    metavar: '=N',
    read: wholeNumber(0, 100),
    field: 'retry',
    describe: 'retry a failed request up to N times, 0 to 100 (default: 4)',
  },
  insecure: {
    ...flag,
    field: 'insecure',
    means: true,
    describe: 'allow plain HTTP and unverified certificates for registries',
  },
  'allow-foreign-layers': {
    ...flag,
    field: 'allowForeignLayers',
    means: true,
    describe: 'download foreign layers from the URLs in the manifest',
  },
  'tmp-dir': {
    names: 'directory',
    ...text,
    metavar: '=DIR',
    field: 'tmpDir',
    describe: "directory for temporary data (default: the system's)",
  },
  threads: {
    ...text,
    metavar: '=N',
    read: wholeNumber(1),
    field: 'threads',
    describe: 'use up to N worker threads (default: one per processor)',
  },
} as const satisfies OptionTable;

const { creds, authfile, mirror, jobs, insecure, retry } = SOURCE_OPTIONS;
const { 'ca-file': caFile, 'cert-dir': certDir, 'plain-http': plainHttp } = SOURCE_OPTIONS;

/** How to trust a registry. */
export const TRUST_OPTIONS = { 'ca-file': caFile, 'cert-dir': certDir, insecure, 'plain-http': plainHttp } as const;

/** How to reach registries, for commands that only query them. */
export const REGISTRY_OPTIONS = { creds, authfile, ...TRUST_OPTIONS, retry } as const;

/** The same, for commands that query mirrors, too. */
export const MIRROR_OPTIONS = { ...REGISTRY_OPTIONS, mirror } as const;

/** The same and more, for commands that download. */
export const DOWNLOAD_OPTIONS = {
  ...MIRROR_OPTIONS,
  jobs,
  'allow-foreign-layers': SOURCE_OPTIONS['allow-foreign-layers'],
} as const;

function readPlatform(option: string, platform: string): string {
  try {
    parsePlatform(platform);
    return platform;
  } catch {
    throw usageError(`${option} must be os/arch, os/arch/variant or an architecture, not "${platform}"`);
  }
}

/** The error message must not reveal the password. */
function readCredentials(option: string, credentials: string): RegistryCredentials {
  const colon = credentials.indexOf(':');
  if (colon < 1) throw usageError(`${option} must be USER:PASSWORD`);
  return { username: credentials.slice(0, colon), password: credentials.slice(colon + 1) };
}
