/** What `adit explain` prints. */

/** One line of an explanation. */
export interface Fact {
  readonly topic: string;
  readonly text: string;
}
