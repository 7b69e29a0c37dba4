/**
 * A time for Node's `utimes`, exact to less than a microsecond up to the year 2242: its numbers have no room for
 * nanoseconds. Older versions of Node also cut what is below a microsecond off, towards 1970. Where that would cost a
 * microsecond because the number is rounded, half a microsecond is added first. Node replaces a negative number by the
 * current time, but not its text.
 *
 * @param seconds since 1970, floored
 * @param nanos nanoseconds to add
 */
export function timeArgument(seconds: number, nanos: number): number | string {
  if (nanos === 0) return argument(seconds);
  const time = seconds + nanos / 1e9;
  const wanted = seconds * 1e6 + (seconds < 0 ? Math.ceil(nanos / 1000) : Math.floor(nanos / 1000));
  return argument(cut(time) === wanted ? time : (wanted + (seconds < 0 ? -0.5 : 0.5)) / 1e6);
}

function argument(time: number): number | string {
  return time < 0 ? String(time) : time;
}

/** What Node makes of a number, in microseconds. Source: libuv 1.46, uv__fs_to_timespec. */
function cut(time: number): number {
  const whole = Math.trunc(time);
  return whole * 1e6 + Math.trunc(Math.trunc((time - whole) * 1e9) / 1000);
}
