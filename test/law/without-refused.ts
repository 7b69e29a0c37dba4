import type { RawEntry } from '../helpers/raw-layer.js';
import { decodedLayer, type Entry } from './decoded-entry.js';
import type { Stack } from './random-stack.js';
import { Model } from './reference-model.js';
import { Refusal } from './refusal.js';

/** The stack without the entries for which the reference model refuses it. */
export function withoutRefused(stack: Stack): Stack {
  const kept: Entry[][] = [];
  return stack.map((layer) => {
    const rest = withoutRefusedAbove(kept, layer);
    kept.push(decodedLayer(rest));
    return rest;
  });
}

/** A layer without the entries for which it is refused on top of others. */
function withoutRefusedAbove(below: readonly (readonly Entry[])[], layer: readonly RawEntry[]): readonly RawEntry[] {
  const refused = refusalsAbove(below, layer).map(({ entry }) => entry);
  return layer.filter((entry) => !refused.includes(entry));
}

/** All entries for which a layer is refused on top of others, once those before them are left out. */
export function refusalsAbove(below: readonly (readonly Entry[])[], layer: readonly RawEntry[]): readonly Refusal[] {
  const refusals: Refusal[] = [];
  for (;;) {
    const rest = layer.filter((raw) => refusals.every(({ entry }) => entry !== raw));
    const refusal = caught(() => {
      const model = new Model();
      for (const entries of below) model.apply(entries);
      model.apply(decodedLayer(rest));
    });
    if (refusal === undefined) return refusals;
    refusals.push(refusal);
  }
}

/** Why a stack is refused: for the names in it before anything is applied, as all layers are read first. */
export function refusalOf(stack: Stack): Refusal | undefined {
  return caught(() => {
    const model = new Model();
    for (const layer of stack.map(decodedLayer)) model.apply(layer);
  });
}

function caught(apply: () => void): Refusal | undefined {
  try {
    apply();
    return undefined;
  } catch (refusal) {
    if (refusal instanceof Refusal) return refusal;
    throw refusal;
  }
}
