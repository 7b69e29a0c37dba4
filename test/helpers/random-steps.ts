/**
 * Shell scripts that change the tree below a folder at random: files are written, removed, recreated as another type,
 * linked and moved. They use few names, so that the changes often collide. A command that is impossible at the time
 * simply fails.
 *
 * @param seed the same number gives the same scripts
 * @returns one script for each layer
 */
export function randomSteps(seed: number, layers: number, commands: number): string[] {
  const random = randomNumbers(seed);
  return Array.from({ length: layers }, () =>
    Array.from({ length: commands }, () => `${randomCommand(random)} 2>/dev/null`)
      .concat('exit 0', '')
      .join('\n'),
  );
}

/** Returns a whole number from 0 up to, but not including, the bound. */
type Random = (bound: number) => number;

function randomCommand(random: Random): string {
  const [path, other] = [randomPath(random), randomPath(random)];
  const commands: readonly (readonly [weight: number, command: string])[] = [
    [12, `[ -p ${path} ] || echo ${random(1000)} > ${path}`],
    [8, `mkdir -p ${path}`],
    [8, `rm -rf ${path}`],
    [6, `rm -rf ${path} && mkdir ${path}`],
    [
      4,
      `rm -rf ${path} && mkdir -p ${path}/${randomName(random)} && echo ${random(1000)} > ${path}/${randomName(random)}`,
    ],
    [8, `ln ${path} ${other}`],
    [5, `ln -f ${path} ${other}`],
    [3, `ln -s ${randomName(random)} ${path}`],
    [2, `ln -s ../${other} ${path}`],
    [2, `ln -s /steps/${other} ${path}`],
    [1, `ln -sfn /nowhere ${path}`],
    [6, `mv ${path} ${other}`],
    [3, `cp -a ${path} ${other}`],
    [3, `chmod ${random(0o10000).toString(8)} ${path}`],
    [3, `chown -h ${random(3)}:${random(100_000)} ${path}`],
    [3, `touch -h -d @${random(2_000_000_000)} ${path}`],
    [1, `mkfifo ${path}`],
    [1, `mknod ${path} c 1 ${3 + random(2)}`],
    [1, `mknod ${path} b 7 ${random(100_000)}`],
  ];
  let at = random(commands.reduce((sum, [weight]) => sum + weight, 0));
  for (const [weight, command] of commands) {
    if (at < weight) return command;
    at -= weight;
  }
  throw new Error('unreachable');
}

/** In one of ten folders, so that no removal deletes everything. */
function randomPath(random: Random): string {
  const names = Array.from({ length: 1 + random(3) }, () => randomName(random));
  return [String(random(10)), ...names].join('/');
}

function randomName(random: Random): string {
  return 'abcd'.charAt(random(4));
}

/** Source: mulberry32, public domain. */
function randomNumbers(seed: number): Random {
  let state = seed;
  return (bound) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  };
}
