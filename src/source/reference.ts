import { quoted } from '../base/text/printable.js';
import { DimgxError } from '../errors.js';
import { isDigest } from '../reference/digest.js';
import { prefixOf, transportIn } from './source.js';
import { type Transport, USAGES } from './sources.js';

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
  | { readonly transport: Transport; readonly choices: readonly [PathChoice, ...PathChoice[]] }
  | { readonly transport: Transport; readonly name: string }
  /** No transport: either a path or an image name. */
  | { readonly transport: 'bare'; readonly text: string };

/**
 * Parses `transport:name[:tag][@digest]`, `-`, or a bare path or name. Opens nothing.
 *
 * @throws DIMGX_REFERENCE_INVALID
 */
export function parseReference(text: string): Reference {
  if (text === '') throw invalid(text, 'it is empty');
  if (text.includes('\0')) throw invalid(text, 'it contains a NUL character');
  if (text === '-') return { transport: 'stdin' };
  // A repository may be named "docker": only the slashes make it a transport.
  const usage = USAGES.find((candidate) => text.startsWith(prefixOf(candidate)));
  if (usage === undefined) return { transport: 'bare', text };
  const transport = transportIn(usage);
  const prefix = prefixOf(usage);
  const rest = text.slice(prefix.length);
  const isSplit = usage.includes('[');
  if (usage === `${prefix}NAME`) {
    if (rest !== '') return { transport, name: rest };
    throw invalid(text, `the name of an image must follow the ${prefix.endsWith('/') ? 'slashes' : 'colon'}`);
  }
  if (rest === '' || (isSplit && rest.startsWith(':'))) throw invalid(text, 'a path must follow the colon');
  return { transport, choices: [{ path: rest }, ...(isSplit ? splits(rest) : [])] };
}

/** Every way to split a path from a selector, longest path first. */
function splits(rest: string): readonly PathChoice[] {
  const choices: PathChoice[] = [];
  for (let at = rest.length - 1; at > 0; at -= 1) {
    const selector = selectorAt(rest, at);
    if (selector !== undefined) choices.push({ path: rest.slice(0, at), ...(selector && { selector }) });
  }
  return choices;
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
    `${quoted(text)} is not an image reference: ${why}; write a path, "-", or transport:name[:tag][@digest]`,
  );
}
