/**
 * `npm run build` makes two folders.
 *
 * - `dist/` is published: the command, the library, and the code of their threads, bundled. To load a file takes Node longer
 *   than to compile most of ours, and bundled a listing loads sixty instead of two hundred: it starts in three quarters of
 *   the time. `dist/types/` has the types.
 * - `build/` is for tests, the fuzzer and benchmarks, which look at single modules: one file for each in `src/`.
 */
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const ROOT = fileURLToPath(new URL('.', import.meta.url));

/**
 * In the bundle, the command imports from the modules behind the doors. Otherwise whatever imports one name of a door loads
 * all that the door exports: a listing would load the code that flattens.
 */
function throughDoors() {
  const doors = Promise.all(['index', 'registry', 'cache'].map(async (door) => [door, await exportsOf(door)]));
  return {
    name: 'through-doors',
    async transform(code, id) {
      if (!id.startsWith(`${ROOT}src/cli/`)) return null;
      const modules = Object.fromEntries(await doors);
      const direct = code.replace(
        /^import (type )?\{([^}]*)\} from '(?:\.\.\/)+(index|registry|cache)\.js';/gm,
        (whole, type, names, door) => {
          const values = namesIn(names).filter((name) => !type && !name.startsWith('type '));
          const imports = values.map((name) => `import { ${name} } from '${modules[door][name]}';`);
          return imports.join(' ') + whole.replaceAll(/[^\n]/g, '');
        },
      );
      return { code: direct, map: null }; // the lines keep their numbers
    },
  };
}

/** The modules behind a door, by the names that it exports. */
async function exportsOf(door) {
  const text = await readFile(`${ROOT}src/${door}.ts`, 'utf8');
  const statements = text.matchAll(/^export \{([^}]*)\} from '\.\/(.*)\.js';/gm);
  return Object.fromEntries(
    [...statements].flatMap(([, names, module]) => namesIn(names).map((name) => [name, `${ROOT}src/${module}.ts`])),
  );
}

function namesIn(list) {
  return list.split(',').flatMap((name) => name.trim() || []);
}

/** Threads look for their code beside the file that starts them, so nothing lies in folders. */
async function bundle() {
  await build({
    cwd: ROOT,
    input: {
      index: 'src/index.ts',
      registry: 'src/registry.ts',
      cache: 'src/cache.ts',
      cli: 'src/cli/main.ts',
      'layer-worker': 'src/inspect/layer-worker.ts',
      'bzip2-worker': 'src/compression/bzip2-worker.ts',
      'decoder-worker': 'src/compression/decoder-worker.ts',
    },
    platform: 'node',
    external: /^[^./]/,
    plugins: [throughDoors()],
    output: {
      dir: 'dist',
      format: 'esm',
      chunkFileNames: '[name].js',
      minify: { compress: false, mangle: false, codegen: true },
      sourcemap: true,
    },
  });
}

/** `man dimgx`, once the package is installed. */
async function writeManPage() {
  const { version } = JSON.parse(await readFile(`${ROOT}package.json`, 'utf8'));
  const { manPage } = await import('#dimgx/cli/output/man-page.js');
  await writeFile(`${ROOT}dist/dimgx.1`, await manPage(version));
}

async function compile() {
  const tsc = execFile(`${ROOT}node_modules/.bin/tsc`, ['-p', 'tsconfig.build.json'], { cwd: ROOT });
  tsc.stdout?.pipe(process.stderr);
  const [code] = await once(tsc, 'close');
  if (code !== 0) throw new Error(`tsc ended with ${code}`);
}

for (const folder of ['build', 'dist']) await rm(ROOT + folder, { recursive: true, force: true });
await Promise.all([compile(), bundle()]);
await writeManPage();
await writeFile(`${ROOT}build/.built`, ''); // see test/build.ts
