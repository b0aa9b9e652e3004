/** Tasks that run one after another, and tasks that are coalesced while they wait. */

export class Turns<Value> {
  #last: Promise<unknown> = Promise.resolve();
  /** Requested, and not yet started. */
  #next: Promise<Value> | undefined;

  /** Runs the task when all earlier ones have ended, whatever their result. */
  take<Result>(task: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(task);
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** The same for a coalesced task: one that is already waiting also covers this request. */
  takeOnce(task: () => Promise<Value>): Promise<Value> {
    this.#next ??= this.take(() => {
      this.#next = undefined;
      return task();
    });
    return this.#next;
  }
}
