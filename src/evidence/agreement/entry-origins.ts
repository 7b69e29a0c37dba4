import { quoted } from '../../base/text/printable.js';
import { type HiddenPath, layerFolder, readHiddenPath } from '../layer-folder.js';
import type { VersionOrigin } from '../recorded-entry.js';
import type { ProvenanceImage } from '../records/provenance.js';
import type { RecordName } from '../records/record-writer.js';
import type { ComparedRecord } from './compared-record.js';
import { type ToldOrigin, toldOrigin } from './told-origin.js';

/** The records of a bag; those that it lacks are absent. */
export type ComparedRecords = { readonly [Name in RecordName]?: ComparedRecord | undefined };

/** An entry of a tar, and where it comes from. */
export interface OriginalEntry {
  /** Path in the image. */
  readonly path: Uint8Array;
  /** In part made up if `isTold` is false. */
  readonly origin: VersionOrigin;
  /** Provenance has a line for it. */
  readonly isTold: boolean;
  /** The highest number of names that any record says the file has. */
  readonly names: number;
}

/** What the name of an entry says. */
interface Place extends Partial<Pick<HiddenPath, 'layer' | 'entry'>> {
  readonly path: Uint8Array;
}

const NOTHING: readonly never[] = [];
const SOME_HIDER = { layer: 0, how: 'removed', path: new Uint8Array(0) } as const;

/**
 * Finds where entries of a tar come from: as the current line of provenance says, or if that is not about the entry, as
 * far as the current lines of other records do.
 */
export class EntryOrigins {
  /** The first thing that is wrong with the names in the tar, worded to follow its path; printable. */
  problem: string | undefined;
  readonly #records: ComparedRecords;
  readonly #image: ProvenanceImage | undefined;
  readonly #isHidden: boolean;

  /**
   * @param image what the first line of provenance says; `undefined` if it cannot be read
   * @param isHidden whether it is the tar of hidden versions
   */
  constructor(records: ComparedRecords, image: ProvenanceImage | undefined, isHidden: boolean) {
    this.#records = records;
    this.#image = image;
    this.#isHidden = isHidden;
  }

  /** @param name of the current entry, cleaned */
  of(name: Uint8Array): OriginalEntry {
    const { path, layer, entry }: Place = this.#isHidden ? this.#placeOf(name) : { path: name };
    const told = this.#toldOf(path);
    const counted = this.#nlinkElsewhere();
    const nlink = told?.nlink ?? counted ?? 2;
    const number = layer ?? told?.layer ?? 0;
    const { diffId, createdBy } = this.#image?.layers[number - 1] ?? {};
    const origin = {
      layer: number,
      entry,
      diffId,
      createdBy,
      hiddenBy: this.#isHidden ? (told?.hiddenBy ?? SOME_HIDER) : undefined,
      aliveAs: told?.aliveAs ?? NOTHING,
      moreAliveAs: told?.moreAliveAs ?? 0,
      shadows: told?.shadows ?? NOTHING,
      moreShadows: told?.moreShadows ?? 0,
      isImplied: told?.isImplied ?? false,
      inode: told?.inode ?? this.#inodeElsewhere(),
      nlink,
    };
    return { path, origin, isTold: told !== undefined, names: Math.max(nlink, counted ?? 0) };
  }

  /** What the folder says that a hidden version is in. */
  #placeOf(name: Uint8Array): Place {
    const place = readHiddenPath(name);
    const layer = place && this.#image?.layers[place.layer - 1];
    const isNamed = layer?.diffId !== undefined || layer?.digest !== undefined;
    const isItsOwn = layer && (!isNamed || layerFolder(place.layer, layer) === place.folder);
    if (this.#image && !isItsOwn) this.problem ??= `has ${quoted(name)}, which is in no folder of a layer`;
    return place ?? { path: name };
  }

  #toldOf(path: Uint8Array): ToldOrigin | undefined {
    const { provenance } = this.#records;
    if (!provenance || provenance.isOutOfStep || provenance.lines.line === undefined) return undefined;
    const told = toldOrigin(provenance.lines.line);
    if (told && Buffer.compare(told.path, path) === 0) return told;
    provenance.isOutOfStep = true;
    return undefined;
  }

  #inodeElsewhere(): number {
    return Number(this.#records.bodyfile?.lines.line?.split('|')[2] ?? 0);
  }

  /** @returns `undefined` if it is not known: mtree counts the names of files only */
  #nlinkElsewhere(): number | undefined {
    const { mtree } = this.#records;
    const line = this.#isHidden || mtree?.problem !== undefined ? undefined : mtree?.lines.line;
    const [, nlink] = / nlink=(\d{1,9}) /.exec(line ?? '') ?? [];
    return nlink === undefined ? undefined : Number(nlink);
  }
}
