/**
 * A time for Node's `utimes`, exact to the microsecond up to the year 2242. Its numbers have no room for nanoseconds:
 * Node takes whole microseconds, and cuts off the rest towards 1970. Half a microsecond more keeps the wanted one from
 * being rounded away. Node replaces a negative number by the current time, but not its text.
 *
 * @param seconds since 1970, floored
 * @param nanos nanoseconds to add
 */
export function timeArgument(seconds: number, nanos: number): number | string {
  const micros = Math.floor(nanos / 1000);
  const time = micros === 0 ? seconds : seconds + (micros + (seconds < 0 ? -0.5 : 0.5)) / 1e6;
  return time < 0 ? String(time) : time;
}
