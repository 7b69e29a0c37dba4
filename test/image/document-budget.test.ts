import { describe, expect, test } from 'vitest';
import { DocumentBudget } from '#dimgx/image/document-budget.js';

const MIB = 2 ** 20;
const tooLarge = (message: string) => expect.objectContaining({ code: 'DIMGX_IMAGE_DOCUMENT_TOO_LARGE', message });

describe('the budget of documents', () => {
  test('allows a document of 4 MiB, and not a byte more', () => {
    const budget = new DocumentBudget(4096);
    budget.spend('the config', 4 * MIB);
    expect(() => budget.spend('the config', 4 * MIB + 1)).toThrow(
      tooLarge(expect.stringContaining(`the config is ${4 * MIB + 1} bytes long`)),
    );
  });

  test('allows 64 MiB in all', () => {
    const budget = new DocumentBudget(4096);
    for (let i = 0; i < 16; i++) budget.spend('a manifest', 4 * MIB);
    expect(() => budget.spend('a manifest', 1)).toThrow(tooLarge(expect.stringContaining('too many documents')));
  });

  test('counts a short document as one of the least size', () => {
    const budget = new DocumentBudget(MIB);
    for (let i = 0; i < 64; i++) budget.spend('a manifest', 2);
    expect(() => budget.spend('a manifest', 2)).toThrow(tooLarge(expect.anything()));
  });

  test('counts a document of unknown size once it has been read', () => {
    const budget = new DocumentBudget(MIB);
    for (let i = 0; i < 16; i++) {
      budget.spend('a manifest', 0);
      budget.spendRest(4 * MIB);
    }
    expect(() => budget.spend('a manifest', 0)).toThrow(tooLarge(expect.anything()));
  });
});
