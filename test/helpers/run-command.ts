import { spawn } from 'node:child_process';

export interface CommandResult {
  readonly stdout: Buffer;
  /** The command's messages, as text. */
  readonly stderr: string;
}

export interface CommandOptions {
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly input?: Buffer;
}

/**
 * Runs a program to its end, with empty standard input unless `input` is given.
 *
 * @throws if it cannot be started or does not exit with 0; the message includes its stderr
 */
export function runCommand(
  command: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: [options.input ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr?.on('data', (chunk: Buffer) => stderr.push(chunk));
    child.stdin?.on('error', () => undefined); // a command that needs all of its input reports that by its exit code
    child.stdin?.end(options.input);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      const said = Buffer.concat(stderr).toString();
      if (code === 0) resolve({ stdout: Buffer.concat(stdout), stderr: said });
      else reject(new Error(`${command} ${args.join(' ')}: ended with ${code ?? signal}\n${said}`));
    });
  });
}

/** Runs a pipeline or a process substitution with bash. A failure of any member is a failure of the whole. */
export function runShell(script: string, options: CommandOptions = {}): Promise<CommandResult> {
  return runCommand('bash', ['-euo', 'pipefail', '-c', script], options);
}
