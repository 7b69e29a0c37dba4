import { expect, test } from 'vitest';
import { publicTypes, strictlyOptional } from './helpers/public-types.js';

const typesOf = (door: string) => publicTypes(new URL(`../dist/types/${door}.d.ts`, import.meta.url));
const doors = ['index', 'registry', 'cache'] as const;
const types = doors.flatMap(typesOf);

test.each(doors)('every type that a public signature names is exported, by its door or by the main one: %s', (door) => {
  const own = typesOf(door);
  const main = typesOf('index').filter(({ isExported }) => isExported);
  const known = new Set(main.map(({ declaration }) => declaration));
  expect(own.map(({ name }) => name)).toContain(door === 'cache' ? 'CacheOptions' : 'RegistryCredentials');
  const missing = own.filter(({ isExported, declaration }) => !isExported && !known.has(declaration));
  expect(missing.map(({ name }) => name)).toEqual([]);
});

test('every optional field of the options takes undefined', () => {
  const options = types.filter(({ name }) => /Options$|^RegistryCredentials$/.test(name));
  expect(options.length).toBeGreaterThan(16);
  expect(
    options.flatMap(({ name, declaration }) => strictlyOptional(declaration).map((key) => `${name}.${key}`)),
  ).toEqual([]);
});
