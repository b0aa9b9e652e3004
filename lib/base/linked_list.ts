/** An intrusive list, for objects that come and go with every request. */

/** Links that only the list changes. */
export interface Linked<Member> {
  previous: Member | undefined;
  next: Member | undefined;
}

/**
 * Members in the order in which they were added. Not a `Set`: in JavaScriptCore, its old tables refer to newer ones, so
 * that deleted members survive every collection of young objects until the next full collection.
 */
export class LinkedList<Member extends Linked<Member>> {
  #first: Member | undefined;
  #last: Member | undefined;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  /** Adds a member that is in no list. */
  add(member: Member): void {
    member.previous = this.#last;
    if (this.#last === undefined) this.#first = member;
    else this.#last.next = member;
    this.#last = member;
    this.#size++;
  }

  /** Removes a member that is in this list. */
  delete(member: Member): void {
    const { previous, next } = member;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    member.previous = member.next = undefined;
    this.#size--;
  }

  /** Ends early if the current member is deleted meanwhile; spread the list to change it in a loop. */
  *[Symbol.iterator](): Generator<Member> {
    for (let member = this.#first; member !== undefined; member = member.next) yield member;
  }
}
