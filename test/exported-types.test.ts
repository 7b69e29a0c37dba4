import { expect, test } from 'vitest';
import { publicTypes, strictlyOptional } from './helpers/public-types.js';

const types = publicTypes(new URL('../dist/types/index.d.ts', import.meta.url));

test('every type that a public signature names is exported', () => {
  const names = types.map(({ name }) => name);
  expect(names).toContain('RegistryCredentials'); // named by options of options
  expect(types.filter(({ isExported }) => !isExported).map(({ name }) => name)).toEqual([]);
});

test('every optional field of the options takes undefined', () => {
  const options = types.filter(({ name }) => /Options$|^RegistryCredentials$/.test(name));
  expect(options.length).toBeGreaterThan(8);
  expect(
    options.flatMap(({ name, declaration }) => strictlyOptional(declaration).map((key) => `${name}.${key}`)),
  ).toEqual([]);
});
