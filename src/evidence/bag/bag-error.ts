import type { ByteName } from '../../base/io/open-folder.js';
import { pathData, quoted } from '../../base/text/printable.js';
import { DimgxError } from '../../errors.js';

/** The error of a bag that is not of the form that RFC 8493 asks for. @param why what is wrong with it; printable */
export function invalidBag(why: string, path?: ByteName): DimgxError {
  const bytes = Buffer.from(path ?? '', 'latin1');
  return new DimgxError('DIMGX_BAG_INVALID', why, path === undefined ? {} : pathData(bytes));
}

/** The error of a bag in which problems were found, and told one by one. */
export function damagedBag(folder: string, problems: number): DimgxError {
  const what = problems === 1 ? '1 problem' : `${problems} problems`;
  return new DimgxError('DIMGX_BAG_DAMAGED', `the bag ${quoted(folder)} has ${what}: get another copy of it`, {
    ...pathData(folder),
  });
}
