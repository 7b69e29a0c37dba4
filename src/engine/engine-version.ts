import * as v from 'valibot';
import { quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import { checkShape } from '../image/document.js';
import type { NameStyle } from './engine-documents.js';

/** The oldest API that has everything dimgx needs: Docker 1.12. */
const OLDEST_API = '1.24';

/**
 * The API version to use if the engine supports it: that of Docker 28.1, the first that can inspect images of other
 * platforms. Older engines are used with their own version.
 */
const PREFERRED_API = '1.49';

const VersionSchema = v.object({
  ApiVersion: v.string(),
  MinAPIVersion: v.nullish(v.string(), ''),
  Components: v.nullish(v.array(v.object({ Name: v.string() })), []),
});

/** How to talk to an engine. */
export interface EngineVersion {
  /** Version of the API. */
  readonly api: string;
  readonly nameStyle: NameStyle;
}

/**
 * @param document the engine's answer to `GET /version`
 * @param location printable
 * @param fixed the API version that the user requests (`DOCKER_API_VERSION`); the engine itself reports if it does not
 *   support it
 * @throws DIMGX_ENGINE_TOO_OLD, DIMGX_ENGINE_CONFIG, DIMGX_IMAGE_BAD_JSON
 */
export function readVersion(document: unknown, location: string, fixed = ''): EngineVersion {
  const { ApiVersion, MinAPIVersion, Components } = checkShape(document, VersionSchema, 'its version');
  if (compare(ApiVersion, OLDEST_API) < 0) {
    throw new DimgxError(
      'DIMGX_ENGINE_TOO_OLD',
      `the engine at ${location} has the API ${quoted(ApiVersion)}, older than ${OLDEST_API} (Docker 1.12): ` +
        'update it, or read an archive from its `docker save`',
    );
  }
  const newestShared = compare(ApiVersion, PREFERRED_API) < 0 ? ApiVersion : PREFERRED_API;
  return {
    api: fixedVersion(fixed) ?? (compare(MinAPIVersion, newestShared) > 0 ? MinAPIVersion : newestShared),
    nameStyle: Components.some(({ Name }) => Name === 'Podman Engine') ? 'podman' : 'docker',
  };
}

function fixedVersion(text: string): string | undefined {
  const version = text.trim().replace(/^v/, '');
  if (version === '' || compare(version, OLDEST_API) >= 0) return version || undefined;
  throw new DimgxError(
    'DIMGX_ENGINE_CONFIG',
    `DOCKER_API_VERSION is ${quoted(text)}: unset it, or set it to ${OLDEST_API} or later`,
  );
}

/** Whether API version `api` has a feature introduced in version `least`. */
export function isAtLeast(api: string | undefined, least: string): boolean {
  return api !== undefined && compare(api, least) >= 0;
}

/** Compares numerically. A malformed version comes before all others. */
function compare(left: string, right: string): number {
  const [major, minor] = parse(left);
  const [otherMajor, otherMinor] = parse(right);
  return major - otherMajor || minor - otherMinor;
}

function parse(version: string): [major: number, minor: number] {
  const [, major, minor] = /^(\d{1,4})\.(\d{1,4})$/.exec(version) ?? [];
  return [Number(major ?? -1), Number(minor ?? -1)];
}
