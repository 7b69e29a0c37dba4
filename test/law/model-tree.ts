import type { Tree } from '../helpers/tree.js';
import { decodedLayer } from './decoded-entry.js';
import type { Stack } from './random-stack.js';
import { Model } from './reference-model.js';
import { treeOf } from './thing.js';

/** What the reference model says that a stack comes to. @throws Refusal */
export function modelTree(stack: Stack): Tree {
  const model = new Model();
  for (const layer of stack.map(decodedLayer)) model.apply(layer);
  return treeOf(model.root);
}
