import { spawn } from 'node:child_process';
import { DIMGX } from './flatten-quietly.js';

export interface ScriptEnd {
  readonly stdout: Buffer;
  readonly stderr: string;
  /** 128 plus the signal's number if a signal killed the last command, as in shells. */
  readonly code: number | null;
}

/**
 * Runs a script with bash, in which `dimgx` is the command line as users start it. Unlike `runShell`, it returns how
 * the script ended, for scripts whose commands should fail.
 *
 * @param args are `$1` and so on
 */
export function runScript(script: string, ...args: readonly string[]): Promise<ScriptEnd> {
  const prelude = `dimgx() { "$DIMGX_NODE" "$DIMGX_BIN" "$@"; }\n`;
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-c', prelude + script, 'bash', ...args], {
      env: { ...process.env, DIMGX_NODE: process.execPath, DIMGX_BIN: DIMGX },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.on('error', reject);
    child.on('close', (code) =>
      resolve({ stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString(), code }),
    );
  });
}
