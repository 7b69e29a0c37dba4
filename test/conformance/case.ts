import type { ErrorCode, WarningCode } from '#dimgx/errors.js';
import type { FlattenOptions } from '#dimgx/flatten.js';
import type { LayerSpec } from '../helpers/flatten-layers.js';
import type { Members } from '../helpers/members.js';
import type { RawEntry } from '../helpers/raw-layer.js';

/** The rules of one kind, in a file of their own. */
export interface Section {
  readonly title: string;
  readonly rules: readonly Rule[];
}

/** One rule of how layers apply. */
export interface Rule {
  /** Its section and number, by which other tests cite it. */
  readonly row: string;
  readonly says: string;
  /** Where engines part: which do what. */
  readonly engines?: string;
  /** Where they part: what dimgx does. */
  readonly choice?: string;
  /** Where the expectation of its cases comes from. */
  readonly source: string;
  readonly cases: readonly Case[];
}

/** A rule by example: an image, and the tree that has to come out of it or why it is refused. */
export type Case = Named & (OfLayers | OfArchive) & (Shown | Refused);

interface Named {
  readonly name: string;
  /** Default: the rule's. */
  readonly source?: string;
  /** Why no engine is asked. */
  readonly notAsked?: string;
}

/** An image of these layers, oldest first. */
export interface OfLayers {
  readonly layers: readonly LayerSpec[];
  /** Which layers, by number, earlier wins. Default: all, newest first. */
  readonly select?: readonly number[];
}

/** An archive to the member: of any form. */
export interface OfArchive {
  readonly archive: Members;
  /** What is made of the tar of these members. Default: nothing. */
  readonly stored?: (archive: Buffer) => Uint8Array;
  readonly options?: Pick<FlattenOptions, 'limits'>;
}

export interface Shown {
  /** As `shownTree` shows it, written by hand. */
  readonly tree: readonly string[];
  /** In order. Default: none. */
  readonly warnings?: readonly WarningCode[];
}

export interface Refused {
  readonly refused: ErrorCode;
}

type More = Omit<RawEntry, 'name' | 'type' | 'content' | 'link'>;

export const file = (name: string, content = '', more: More = {}): RawEntry => ({ name, content, ...more });
export const dir = (name: string, more: More = {}): RawEntry => ({ name, type: '5', mode: 0o755, ...more });
export const symlink = (name: string, link: string, more: More = {}): RawEntry => ({ name, type: '2', link, ...more });
export const hardLink = (name: string, link: string, more: More = {}): RawEntry => ({ name, type: '1', link, ...more });
export const xattr = (name: string, value: string) => [`SCHILY.xattr.${name}`, value] as const;
