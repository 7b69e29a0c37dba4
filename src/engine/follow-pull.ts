import type { Readable } from 'node:stream';
import * as v from 'valibot';
import { printable } from '../base/text/printable.js';
import { checkShape, parseJson } from '../image/document.js';
import type { PullProgress } from './engine-documents.js';

/** Maximum size of one report, in bytes. */
const MAX_REPORT = 2 ** 20;

const ReportSchema = v.object({
  id: v.nullish(v.string()),
  status: v.nullish(v.string()),
  error: v.nullish(v.string()),
  errorDetail: v.nullish(v.object({ message: v.nullish(v.string()) })),
  progressDetail: v.nullish(v.object({ current: v.nullish(v.number()), total: v.nullish(v.number()) })),
});

/**
 * Reads an engine's progress reports during a pull to their end. Each line is a JSON document.
 *
 * @throws an uncoded error with the engine's words when the pull fails; DIMGX_IMAGE_BAD_JSON; any error of the stream
 */
export async function followPull(reports: Readable, onProgress: (progress: PullProgress) => void): Promise<void> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of reports as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk]);
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      report(rest.subarray(0, end), onProgress);
      rest = rest.subarray(end + 1);
    }
    if (rest.length > MAX_REPORT) throw new Error(`a report is longer than ${MAX_REPORT} bytes`);
  }
  report(rest, onProgress);
}

function report(line: Buffer, onProgress: (progress: PullProgress) => void): void {
  if (line.toString('latin1').trim() === '') return;
  const { id, status, error, errorDetail, progressDetail } = checkShape(
    parseJson(line, 'its report'),
    ReportSchema,
    'its report',
  );
  const failure = errorDetail?.message || error;
  if (failure) throw new Error(printable(failure.trim(), 600));
  if (!status) return;
  const { current, total } = progressDetail ?? {};
  onProgress({ id: id ?? undefined, status, current: current ?? undefined, total: total ?? undefined });
}
