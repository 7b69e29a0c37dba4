import { readFileSync } from 'node:fs';

/**
 * Prints the closing line of `.ci/run`: `node count.mjs RESULTS FAILED_CHECKS`, where RESULTS is what vitest's JSON
 * reporter wrote and FAILED_CHECKS counts the steps that failed, the test command being one of them. A test command that
 * failed is told by its tests, or, when none of them failed (a broken build, a set-up that threw), counts as one failure.
 */
const [results = '', failedChecks = '0'] = process.argv.slice(2);
const { passed, failed, skipped } = countTests(readFileSync(results, 'utf8'));
const brokenChecks = Number(failedChecks);
const failures = failed === 0 ? brokenChecks : failed + Math.max(0, brokenChecks - 1);
console.log(`${passed} passed, ${failures} failed, ${skipped} skipped`);
process.exitCode = failures === 0 && passed > 0 ? 0 : 1;

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
