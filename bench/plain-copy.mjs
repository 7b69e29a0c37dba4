/** What there is to beat: a plain loop that reads a file and writes it to /dev/null, in pieces of 1 MiB. */
import { open } from 'node:fs/promises';

const source = await open(process.argv[2] ?? '', 'r');
const target = await open('/dev/null', 'w');
const buffer = Buffer.allocUnsafe(2 ** 20);
for (;;) {
  const { bytesRead } = await source.read(buffer, 0, buffer.length);
  if (bytesRead === 0) break;
  await target.write(buffer, 0, bytesRead);
}
await source.close();
await target.close();
