import type { Random } from './random.js';

/** A part of dimgx that is fed with mutated inputs. Each file in `targets/` exports one. */
export interface Target<Input = unknown> {
  readonly name: string;
  /** How many of a thousand inputs of a run are for it: cheap ones get most. */
  readonly share: number;
  /** After so many inputs it is asked which blocks they have reached: of cheap ones more, as to ask takes a millisecond. */
  readonly batch: number;
  /** Sound inputs, or nearly so, of every form there is: each is run as it is, then mutated. */
  seeds(): readonly Input[] | Promise<readonly Input[]>;
  /** Another input. What is given is not changed; the same random numbers give the same. */
  mutate(input: Input, random: Random): Input;
  /**
   * Feeds dimgx, and checks what must hold of whatever comes of it.
   *
   * @throws DimgxError when the input is refused, as it may be; anything else that is thrown is a finding
   */
  run(input: Input, random: Random): void | Promise<void>;
  /** Gives back what `run` holds. */
  close?(): void;
}

/** What must hold does not. */
export class Broken extends Error {
  override readonly name = 'Broken';
}

/** @throws Broken */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Broken(what);
}
