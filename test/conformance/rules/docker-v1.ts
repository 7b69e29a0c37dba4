import { dockerV1Archive, type V1Layer } from '../../helpers/docker-archive.js';
import { rawLayer } from '../../helpers/raw-layer.js';
import { file, type Section } from '../case.js';

const id = (letter: string) => letter.repeat(64);
const A: V1Layer = { id: id('a'), layer: rawLayer([file('a', '1'), file('b', '2')]) };
const B: V1Layer = { id: id('b'), parent: id('a'), layer: rawLayer([file('.wh.b')]), tags: ['conformance:v1'] };

export const DOCKER_V1: Section = {
  title: 'The archive of 2015',
  rules: [
    {
      row: '12.13',
      says: '`repositories`, `ID/json` that name their parents and `ID/layer.tar` make an image, without digests.',
      engines: 'Only Docker reads it.',
      choice: 'reads it, with a warning: nothing can be verified.',
      source: 'moby v20.10, image/spec/v1.md',
      cases: [
        {
          name: 'two layers, the newer first',
          archive: dockerV1Archive([B, A]),
          tree: ['a=1'],
          warnings: ['DIMGX_SOURCE_UNVERIFIED'],
        },
      ],
    },
    {
      row: '12.14',
      says: 'Parents that form a loop, or are missing, are refused.',
      engines: 'A loop crashes Docker.',
      choice: 'refuses both.',
      source: 'moby v20.10, image/tarexport/load.go, legacyLoadImage',
      cases: [
        {
          name: 'a loop',
          archive: dockerV1Archive([{ ...A, parent: id('b') }, B]),
          refused: 'DIMGX_LAYER_BAD_PARENT',
          notAsked: 'it would crash Docker',
        },
        { name: 'a missing parent', archive: dockerV1Archive([B]), refused: 'DIMGX_LAYER_BAD_PARENT' },
      ],
    },
  ],
};
