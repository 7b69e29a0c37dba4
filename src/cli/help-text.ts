import yargs from 'yargs';
import { OPTION_TABLE, type OptionRow } from './option-table.js';

const EPILOGUE = `IMAGE is a path, "-" for an archive on standard input, or one of
docker-archive:PATH[:NAME], oci:DIR[:TAG], oci-archive:FILE[:TAG], dir:DIR, docker-daemon:NAME,
docker://NAME (in a registry).

Long options may be shortened as long as they stay unambiguous.
Exit status: 0 done; 1 bad usage; 2 failed; 3 a SPEC that names no layer, with --strict.`;

/**
 * What `--help` prints, with its line end.
 *
 * @param columns of the terminal, in characters
 */
export async function helpText(columns = 100): Promise<string> {
  const help = await yargs()
    .scriptName('dimgx')
    .locale('en')
    .help(false)
    .version(false)
    .usage(
      'Usage: dimgx [options] [-l SPEC]... [-t PATH] IMAGE\n\nTurns a container image into one flat root filesystem.',
    )
    .options(Object.fromEntries(Object.entries<OptionRow>(OPTION_TABLE).map(describeOption)))
    .example('dimgx image.tar', 'list the layers')
    .example('dimgx -t rootfs.tar.gz oci:layout:3.20', 'flatten into a compressed tar')
    .example('docker save alpine | dimgx -t - - | tar x', 'through pipes')
    .example('dimgx -l @1:@3 -t base.tar image.tar', 'only the three oldest layers')
    .epilogue(EPILOGUE)
    .wrap(Math.min(120, columns))
    .getHelp();
  return `${help}\n`;
}

/** For show only: yargs has no place for the name of a value but the name of the option. */
function describeOption([name, { alias, describe = '', group = '', metavar = '' }]: [string, OptionRow]) {
  return [`${name}${metavar}`, { ...(alias && { alias }), describe, group }] as const;
}
