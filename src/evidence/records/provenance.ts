import { isUtf8 } from 'node:buffer';
import type { Platform } from '../../image/platform.js';
import { latin1 } from '../../tar/pax.js';
import type { HiddenHow, RecordedEntry, RecordedType, RecordWriter, VersionOrigin } from '../recorded-entry.js';
import { isoTime } from './iso-time.js';
import { jsonBytes } from './json-bytes.js';

/** The image that a record of provenance is about. Texts of the image are untrusted. */
export interface ProvenanceImage {
  /** Digest of the config, 64 hex digits. */
  readonly id: string;
  readonly manifestDigest?: string | undefined;
  readonly tags?: readonly string[] | undefined;
  /** RFC 3339, exactly as in the config. */
  readonly created?: string | undefined;
  readonly platform?: Platform | undefined;
  readonly layers: readonly ProvenanceLayer[];
}

/** A layer in the first line of the record. */
export interface ProvenanceLayer {
  /** Counted from 1, the base. */
  readonly layer: number;
  readonly diffId?: string | undefined;
  readonly digest?: string | undefined;
  /** RFC 3339, exactly as in the config. */
  readonly created?: string | undefined;
  readonly createdBy?: string | undefined;
  /** Of the stored bytes. */
  readonly size?: number | undefined;
}

/** A path from `/`, or a target. The Base64 of its bytes is there only if they are not UTF-8. */
export interface ShownPath {
  readonly path: string;
  readonly pathBase64?: string;
}

/** What a line of the record says of an entry, in the order of its keys. Keys without a value are absent. */
export interface ProvenanceObject extends ShownPath {
  readonly type: RecordedType;
  /** Four octal digits. */
  readonly mode: string;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** See `isoTime`. */
  readonly mtime: string;
  readonly target?: string;
  readonly targetBase64?: string;
  readonly device?: { readonly major: number; readonly minor: number };
  /** Values in Base64, by name. */
  readonly xattrs?: Readonly<Record<string, string>>;
  /** Those whose names are not UTF-8: names and values in Base64. */
  readonly xattrsBase64?: Readonly<Record<string, string>>;
  readonly sha256?: string;
  readonly inode: number;
  readonly nlink: number;
  readonly layer: number;
  readonly diffId?: string;
  /** At most `MAX_COMMAND` characters. */
  readonly createdBy?: string;
  readonly state: 'present' | 'hidden';
  readonly hiddenBy?: ShownPath & { readonly layer: number; readonly how: HiddenHow };
  readonly aliveAs?: readonly string[];
  /** All of `aliveAs`, if one of them is not UTF-8. */
  readonly aliveAsBase64?: readonly string[];
  readonly moreAliveAs?: number;
  readonly shadows?: readonly { readonly layer: number; readonly inode: number }[];
  readonly moreShadows?: number;
  readonly implied?: true;
}

/** Of the command that made a layer, a line has so many characters, and then `…`. The first line has it whole. */
const MAX_COMMAND = 8192;

/**
 * JSON Lines: the image and its layers, then each entry and each hidden version. All text is harmless on a terminal, and
 * parses to the text of the image.
 */
export function provenanceRecord(image: ProvenanceImage): RecordWriter {
  const { id, manifestDigest, tags, created, platform, layers } = image;
  const facts = { format: 'dimgx-provenance/1', id, manifestDigest, tags, created, platform };
  const heading = `${jsonBytes({ ...facts, layers: layers.map(layerFacts) })}\n`;
  const kept = new Map<number, { readonly origin: VersionOrigin; readonly text: string }>();
  const layerText = (origin: VersionOrigin) => {
    const last = kept.get(origin.layer);
    if (last && last.origin.diffId === origin.diffId && last.origin.createdBy === origin.createdBy) return last.text;
    const text = layerFields(origin);
    kept.set(origin.layer, { origin, text });
    return text;
  };
  return {
    heading: () => heading,
    needsHashes: true,
    hasHidden: true,
    line: (entry) => `${objectText(entry, layerText(entry.origin))}\n`,
  };
}

/** The layer with its keys in order. */
function layerFacts({ layer, diffId, digest, created, createdBy, size }: ProvenanceLayer): ProvenanceLayer {
  return { layer, diffId, digest, created, createdBy, size };
}

/** What the record says of an entry. */
export function provenanceObject(entry: RecordedEntry): ProvenanceObject {
  return JSON.parse(Buffer.from(objectText(entry, layerFields(entry.origin)), 'latin1').toString());
}

/** A path as records show it. @param path from the root, without a slash at either end */
export function shownPath(path: Uint8Array): ShownPath {
  return JSON.parse(Buffer.from(`{${bytesField('path', path, '/')}}`, 'latin1').toString());
}

/** The object as JSON. It is put together as text: this takes half the time of building an object and encoding it. */
function objectText(entry: RecordedEntry, layer: string): string {
  const { path, type, mode, uid, gid, size, mtime, target, device, xattrs, sha256, origin } = entry;
  const { inode, nlink } = origin;
  let text = `{${bytesField('path', path, '/')},"type":"${type}","mode":"${mode.toString(8).padStart(4, '0')}"`;
  text += `,"uid":${uid},"gid":${gid},"size":${size},"mtime":"${isoTime(mtime)}"`;
  if (target !== undefined) text += `,${bytesField('target', target)}`;
  if (device !== undefined) text += `,"device":{"major":${device.major},"minor":${device.minor}}`;
  if (xattrs.size > 0) text += xattrFields(xattrs);
  if (sha256 !== undefined) text += `,"sha256":"${sha256}"`;
  return `${text},"inode":${inode},"nlink":${nlink},"layer":${origin.layer}${layer}${stateFields(origin)}}`;
}

/** Fields that all entries of a layer share, each with a comma before it. */
function layerFields({ diffId, createdBy }: VersionOrigin): string {
  const command =
    createdBy !== undefined && createdBy.length > MAX_COMMAND ? `${createdBy.slice(0, MAX_COMMAND)}…` : createdBy;
  return moreFields({ diffId, createdBy: command });
}

function stateFields(origin: VersionOrigin): string {
  const { hiddenBy, aliveAs, shadows, moreAliveAs, moreShadows, isImplied } = origin;
  let text = `,"state":"${hiddenBy ? 'hidden' : 'present'}"`;
  if (hiddenBy) {
    text += `,"hiddenBy":{"layer":${hiddenBy.layer},"how":"${hiddenBy.how}",${bytesField('path', hiddenBy.path, '/')}}`;
  }
  if (aliveAs.length > 0) text += pathsField('aliveAs', aliveAs);
  if (moreAliveAs > 0) text += `,"moreAliveAs":${moreAliveAs}`;
  if (shadows.length > 0) text += moreFields({ shadows: shadows.map(({ layer, inode }) => ({ layer, inode })) });
  if (moreShadows > 0) text += `,"moreShadows":${moreShadows}`;
  return isImplied ? `${text},"implied":true` : text;
}

/** Printable ASCII that JSON does not escape. */
const PLAIN = /^[ !#-[\]-~]*$/;

/** A path or target, with its Base64 if it is not UTF-8. */
function bytesField(key: string, bytes: Uint8Array, prefix = ''): string {
  const text = latin1(bytes);
  if (PLAIN.test(text)) return `"${key}":"${prefix}${text}"`;
  const field = `"${key}":${jsonBytes(prefix + decoded(bytes))}`;
  return isUtf8(bytes) ? field : `${field},"${key}Base64":"${base64(prefix, bytes)}"`;
}

function pathsField(key: string, paths: readonly Uint8Array[]): string {
  const all = { [key]: paths.map((path) => `/${decoded(path)}`) };
  if (paths.every((path) => isUtf8(path))) return moreFields(all);
  return moreFields({ ...all, [`${key}Base64`]: paths.map((path) => base64('/', path)) });
}

/** Sorted by the bytes of the names. */
function xattrFields(xattrs: RecordedEntry['xattrs']): string {
  const sorted = [...xattrs].sort(([one], [other]) => (one < other ? -1 : 1));
  const readable: [string, string][] = [];
  const others: [string, string][] = [];
  for (const [name, value] of sorted) {
    const bytes = Buffer.from(name, 'latin1');
    if (isUtf8(bytes)) readable.push([decoded(bytes), base64('', value)]);
    else others.push([base64('', bytes), base64('', value)]);
  }
  const objectOf = (pairs: readonly (readonly [string, string])[]) =>
    pairs.length > 0 ? Object.fromEntries(pairs) : undefined;
  return moreFields({ xattrs: objectOf(readable), xattrsBase64: objectOf(others) });
}

/** The fields of an object, each with a comma before it. Those that are `undefined` are left out. */
function moreFields(fields: Readonly<Record<string, unknown>>): string {
  const text = jsonBytes(fields).slice(1, -1);
  return text === '' ? '' : `,${text}`;
}

function decoded(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString();
}

function base64(prefix: string, bytes: Uint8Array): string {
  return Buffer.concat([Buffer.from(prefix), bytes]).toString('base64');
}
