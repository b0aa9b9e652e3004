/** Tasks that run one after the other, and those of which one more is enough however often it is asked for. */

export class Turns<Value> {
  #last: Promise<unknown> = Promise.resolve();
  /** Asked for, and not yet begun. */
  #next: Promise<Value> | undefined;

  /** Runs the task when all before it have ended, however they ended. */
  take<Result>(task: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(task);
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** The same for a task that is not asked for twice: one that waits for its turn already does for this one, too. */
  takeOnce(task: () => Promise<Value>): Promise<Value> {
    this.#next ??= this.take(() => {
      this.#next = undefined;
      return task();
    });
    return this.#next;
  }
}
