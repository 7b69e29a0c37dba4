import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeWithEngines } from '../helpers/engines.js';
import { BASE_NAME, type Built, IMAGE_BUILDERS, REFERENCE_KINDS, type ToldStep } from '../helpers/image-builders.js';
import { callDimgx } from '../helpers/shared-dimgx.js';

const DOCKERFILE = `FROM ${BASE_NAME}
ENV KEY="a value" OTHER=b
ARG VERSION=1.2
LABEL some.label="with \\"quotes\\" and more"
COPY file /copied/
RUN echo "$VERSION" > /version && mkdir -p /a/b && echo 12345678 > /a/b/c
RUN ["/bin/sh", "-c", "rm /version"]
RUN rm -r /a && \\
    echo '→ ünïcode' > /a
WORKDIR /work
USER 1000
CMD ["sh", "-c", "echo \\"hi\\""]
`;

interface Step {
  readonly layer: number | null;
  readonly created: string;
  readonly createdBy: string | null;
  readonly bytes: number | null;
}

describeWithEngines('the steps of a build', () => {
  const builders = IMAGE_BUILDERS.map((builder) => [`${builder.name}${builder.whyNot}`, builder] as const);
  describe.each(builders)('by %s', (_, builder) => {
    let folder = '';
    let built: Built | undefined;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'dimgx-history-'));
      const context = join(folder, 'context');
      await mkdir(context);
      await writeFile(join(context, 'file'), 'contents');
      await writeFile(join(context, 'Dockerfile'), DOCKERFILE);
      if (builder.whyNot === '') built = await builder.build(context, folder);
    });
    afterAll(async () => {
      await built?.stop();
      await rm(folder, { recursive: true });
    });

    test.skipIf(builder.whyNot !== '').each(REFERENCE_KINDS)(
      'are in its %s what its own history tells',
      async (kind) => {
        const { references, history } = built as Built;
        const { code, stdout, stderr } = await callDimgx('history', '--json', ...references[kind]);
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        const steps = stdout
          .trimEnd()
          .split('\n')
          .map((line): Step => JSON.parse(line));
        const found = steps.map(({ layer, created, createdBy, bytes }) => ({
          createdBy: createdBy ?? '',
          created: Math.floor(Date.parse(created) / 1000),
          bytes: bytes ?? 0,
          hasLayer: layer !== null,
        }));
        const told = (await history()).map((step, i) => (i < found.findIndex(isOwn) ? withoutBytes(step) : step));
        expect(found).toMatchObject(told);
      },
    );
  });
});

function isOwn({ createdBy }: ToldStep): boolean {
  return /ENV KEY/.test(createdBy);
}

/** Docker counts the targets of symlinks, too, of which only the base has some. */
function withoutBytes({ bytes: _, ...step }: ToldStep): ToldStep {
  return step;
}
