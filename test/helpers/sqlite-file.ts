import { runCommand } from './run-command.js';

const SCRIPT = `
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], isolation_level=None)
for statement in sys.argv[2:]:
    database.execute(statement)
database.close()
`;

/** Makes a database with SQLite itself, as Python has it. */
export async function writeSqlite(path: string, statements: readonly string[]): Promise<void> {
  await runCommand('python3', ['-c', SCRIPT, path, ...statements]);
}
