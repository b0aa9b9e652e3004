/** Runs tasks one after another, and coalesces some while they wait. */

export class Turns<Value> {
  #last: Promise<unknown> = Promise.resolve();
  /** Requested, and not yet started. */
  #next: Promise<Value> | undefined;

  /** Runs the task after all earlier ones, whatever their results. */
  take<Result>(task: () => Promise<Result>): Promise<Result> {
    const turn = this.#last.then(task);
    this.#last = turn.catch(() => {});
    return turn;
  }

  /** The same, unless such a task is already waiting; then that one covers this call as well. */
  takeOnce(task: () => Promise<Value>): Promise<Value> {
    this.#next ??= this.take(() => {
      this.#next = undefined;
      return task();
    });
    return this.#next;
  }
}
