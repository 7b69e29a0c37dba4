import { expect } from 'vitest';
import { DimgxError } from '#dimgx/errors.js';
import { Bag } from '#dimgx/evidence/bag/bag.js';
import { BagCheck, type BagCheckOptions } from '#dimgx/evidence/bag/bag-check.js';

/** What a check of a bag says: a line for each problem, then the code and the message of the error that ended it. */
export async function problemsOf(path: string, options: BagCheckOptions = {}): Promise<readonly string[]> {
  const { lines } = await checked(path, options);
  return lines.filter((line) => !line.startsWith('- '));
}

/** The same, each line fit for a terminal, with a line for each file; `-` stands for no problem. */
export async function checked(path: string, options: BagCheckOptions = {}) {
  const lines: string[] = [];
  let bag: Bag | undefined;
  let check: BagCheck | undefined;
  try {
    bag = Bag.open(path);
    check = new BagCheck(bag, options);
    for await (const { path: file, problem, message } of check.findings()) {
      lines.push(`${problem ?? '-'} ${file} ${message}`);
    }
  } catch (failure) {
    if (!(failure instanceof DimgxError)) throw failure;
    lines.push(`${failure.code} ${failure.message}`);
  } finally {
    bag?.close();
  }
  for (const line of lines) expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
  return { lines, check };
}
