/** The output of `adit explain`. */

/** One line of an explanation. */
export interface Fact {
  readonly topic: string;
  readonly text: string;
}
