import { readFileSync } from 'node:fs';

/**
 * Prints the closing line of `.ci/run`: `node count.mjs FAILED_CHECKS RESULTS…`, where each of RESULTS is what vitest's JSON
 * reporter wrote and FAILED_CHECKS counts the steps that failed, those that run tests being some of them. A run that failed is
 * told by its tests, or, when none of them failed (a broken build, a set-up that threw), counts as one failure.
 */
const [failedChecks = '0', ...results] = process.argv.slice(2);
const runs = results.map((path) => countTests(readFileSync(path, 'utf8')));
const [passed, failed, skipped] = [sum('passed'), sum('failed'), sum('skipped')];
const told = Math.min(Number(failedChecks), runs.filter((run) => run.failed > 0).length);
const failures = failed + Number(failedChecks) - told;
console.log(`${passed} passed, ${failures} failed, ${skipped} skipped`);
process.exitCode = failures === 0 && passed > 0 ? 0 : 1;

/** @param {'passed' | 'failed' | 'skipped'} what */
function sum(what) {
  return runs.reduce((all, run) => all + run[what], 0);
}

/** @param {string} json */
function countTests(json) {
  if (json === '') return { passed: 0, failed: 0, skipped: 0 };
  const report = JSON.parse(json);
  /** A file or group whose set-up threw has no failed test, only tests that did not run. */
  const broken = report.testResults.filter(
    (/** @type {{ status: string, assertionResults: { status: string }[] }} */ file) =>
      file.status === 'failed' && !file.assertionResults.some(({ status }) => status === 'failed'),
  );
  return {
    passed: report.numPassedTests,
    failed: report.numFailedTests + broken.length,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}
