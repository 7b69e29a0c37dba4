import type { Descriptor, OciLayout } from './oci-layout.js';

/**
 * Uploads all blobs of a layout to a repository of an open registry, with manifests and indexes uploaded as such. Works
 * for layouts that no tool would push.
 *
 * @param top gets the tag
 */
export async function pushLayout(
  layout: OciLayout,
  top: Descriptor,
  repository: { readonly host: string; readonly path: string; readonly tag: string },
): Promise<void> {
  const base = `http://${repository.host}/v2/${repository.path}`;
  const documents: Descriptor[] = [];
  for (const [name, bytes] of Object.entries(layout.members)) {
    const [, hex] = /^blobs\/sha256\/(.*)$/.exec(name) ?? [];
    if (hex === undefined) continue;
    const mediaType = mediaTypeOf(bytes as Uint8Array);
    if (mediaType !== undefined) documents.push({ mediaType, digest: `sha256:${hex}`, size: 0 });
    const begun = await fetch(`${base}/blobs/uploads/`, { method: 'POST' });
    const location = new URL(begun.headers.get('location') ?? '', base);
    location.searchParams.set('digest', `sha256:${hex}`);
    await put(location.href, bytes as Uint8Array, 'application/octet-stream');
  }
  // the manifests of an index must be uploaded before it
  for (const { digest, mediaType } of documents.sort((a, b) => rank(a) - rank(b))) {
    await put(`${base}/manifests/${digest}`, bytesOf(layout, digest), mediaType);
  }
  await put(`${base}/manifests/${repository.tag}`, bytesOf(layout, top.digest), top.mediaType);
}

async function put(url: string, body: Uint8Array, type: string): Promise<void> {
  const answer = await fetch(url, { method: 'PUT', body: Buffer.from(body), headers: { 'content-type': type } });
  if (answer.status !== 201) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
}

function bytesOf({ members }: OciLayout, digest: string): Uint8Array {
  return Buffer.from(members[`blobs/${digest.replace(':', '/')}`] as Uint8Array);
}

function mediaTypeOf(bytes: Uint8Array): string | undefined {
  const text = Buffer.from(bytes).toString();
  const { mediaType, schemaVersion } = text.startsWith('{') ? JSON.parse(text) : {};
  return schemaVersion === undefined ? undefined : mediaType;
}

/** In layouts built by the tests, an index comes after those that it names. */
function rank({ mediaType }: Descriptor): number {
  return mediaType.includes('index') ? 1 : 0;
}
