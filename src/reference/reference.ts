import { quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import { isDigest } from './digest.js';

export type FileTransport = 'docker-archive' | 'oci' | 'oci-archive' | 'dir';
export type EngineTransport = 'docker-daemon' | 'docker';

/** A path, and a selector for one of the images in it. */
export interface PathChoice {
  readonly path: string;
  /** A name, tag, ID, digest, or `@N`. */
  readonly selector?: string;
}

/** An image reference, parsed as far as possible without opening anything. */
export type Reference =
  | { readonly transport: 'stdin' }
  /** Paths may contain colons, so several splits are possible. The source uses the first one whose path exists. */
  | { readonly transport: FileTransport; readonly choices: readonly [PathChoice, ...PathChoice[]] }
  | { readonly transport: EngineTransport; readonly name: string }
  /** No transport: either a path or an image name. */
  | { readonly transport: 'bare'; readonly text: string };

/**
 * Parses `transport:name[:tag][@digest]`, `-`, or a bare path or name. Opens nothing.
 *
 * @throws DIMGX_REFERENCE_INVALID
 */
export function parseReference(text: string): Reference {
  if (text === '') throw invalid(text, 'it is empty');
  if (text.includes('\0')) throw invalid(text, 'it holds a NUL character');
  if (text === '-') return { transport: 'stdin' };
  const colon = text.indexOf(':');
  const transport = text.slice(0, Math.max(colon, 0));
  const rest = text.slice(colon + 1);
  switch (transport) {
    case 'docker-archive':
    case 'oci':
    case 'oci-archive':
      return { transport, choices: pathChoices(text, rest) };
    case 'dir':
      if (rest === '') throw invalid(text, 'a path must follow the colon');
      return { transport, choices: [{ path: rest }] };
    case 'docker-daemon':
      if (rest === '') throw invalid(text, 'the name of an image must follow the colon');
      return { transport, name: rest };
    case 'docker':
      // A repository may be named "docker": only the slashes make it a transport.
      if (!rest.startsWith('//')) return { transport: 'bare', text };
      if (rest === '//') throw invalid(text, 'the name of an image must follow the slashes');
      return { transport, name: rest.slice(2) };
    default:
      return { transport: 'bare', text };
  }
}

/** Every way to split a path from a selector, longest path first. */
function pathChoices(text: string, rest: string): [PathChoice, ...PathChoice[]] {
  const choices: PathChoice[] = [];
  for (let at = rest.length - 1; at > 0; at -= 1) {
    const selector = selectorAt(rest, at);
    if (selector !== undefined) choices.push({ path: rest.slice(0, at), ...(selector && { selector }) });
  }
  if (rest === '' || rest.startsWith(':')) throw invalid(text, 'a path must follow the colon');
  return [{ path: rest }, ...choices];
}

/** The selector starting at this offset: `:REF`, `:@N` or `@sha256:…`. An empty selector selects nothing. */
function selectorAt(rest: string, at: number): string | undefined {
  if (rest[at] === ':') return rest.slice(at + 1);
  if (rest[at] === '@' && isDigest(rest.slice(at + 1))) return rest.slice(at + 1);
  return undefined;
}

function invalid(text: string, why: string): DimgxError {
  return new DimgxError(
    'DIMGX_REFERENCE_INVALID',
    `${quoted(text)} is no image reference: ${why}; write a path, "-", or transport:name[:tag][@digest]`,
  );
}
