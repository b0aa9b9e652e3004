/** Questions, answers and notices between two threads, sent as plain data. */

import { AditError, type ErrorKind, messageOf } from "../../base/errors.ts";

/** Questions by kind, with the types of question and answer. */
export type Asks = Readonly<Record<string, { readonly question: unknown; readonly answer: unknown }>>;
/** Notices by kind; they have no answer. */
export type Notices = Readonly<Record<string, unknown>>;

/** How one side answers each kind of question. */
export type Answers<All extends Asks> = {
  readonly [Kind in keyof All]: (
    question: All[Kind]["question"],
  ) => All[Kind]["answer"] | Promise<All[Kind]["answer"]>;
};

/** How one side handles each kind of notice. */
export type Listens<All extends Notices> = {
  readonly [Kind in keyof All]: (notice: All[Kind]) => void;
};

/** One message. */
export type LinkMessage =
  | { readonly ask: string; readonly id: number; readonly question: unknown }
  | { readonly answered: number; readonly answer: unknown }
  | { readonly failed: number; readonly message: string; readonly error: ErrorKind | undefined }
  | { readonly tell: string; readonly notice: unknown };

interface LinkOptions<AskIn extends Asks, TellIn extends Notices> {
  readonly send: (message: LinkMessage) => void;
  readonly answers: Answers<AskIn>;
  readonly listens: Listens<TellIn>;
}

interface Waiting {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** One end of a connection: asks and answers questions, and sends and receives notices. */
export class Link<AskOut extends Asks, TellOut extends Notices, AskIn extends Asks, TellIn extends Notices> {
  readonly #send: (message: LinkMessage) => void;
  readonly #answers: Answers<AskIn>;
  readonly #listens: Listens<TellIn>;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #ended: Error | undefined;

  constructor({ send, answers, listens }: LinkOptions<AskIn, TellIn>) {
    this.#send = send;
    this.#answers = answers;
    this.#listens = listens;
  }

  /** Asks the other side. Rejects with its error, or when the connection ends. */
  ask<Kind extends keyof AskOut & string>(
    kind: Kind,
    question: AskOut[Kind]["question"],
  ): Promise<AskOut[Kind]["answer"]> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended);
    const id = ++this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send({ ask: kind, id, question });
    });
  }

  tell<Kind extends keyof TellOut & string>(kind: Kind, notice: TellOut[Kind]): void {
    if (this.#ended === undefined) this.#send({ tell: kind, notice });
  }

  /** Handles a message from the other side. */
  receive(message: LinkMessage): void {
    if ("tell" in message) this.#listens[message.tell]?.(message.notice as TellIn[string]);
    else if ("ask" in message) void this.#answer(message);
    else if ("answered" in message) this.#take(message.answered)?.resolve(message.answer);
    else this.#take(message.failed)?.reject(errorOf(message));
  }

  /** Rejects every question, open or future, because the other side is gone. */
  end(reason: string): void {
    this.#ended ??= new Error(reason);
    for (const { reject } of this.#waiting.values()) reject(this.#ended);
    this.#waiting.clear();
  }

  #take(id: number): Waiting | undefined {
    const waiting = this.#waiting.get(id);
    this.#waiting.delete(id);
    return waiting;
  }

  async #answer({ ask, id, question }: Extract<LinkMessage, { readonly ask: string }>): Promise<void> {
    try {
      const answer: unknown = await this.#answers[ask]?.(question as AskIn[string]["question"]);
      this.#send({ answered: id, answer });
    } catch (error) {
      const kind = error instanceof AditError ? error.kind : undefined;
      this.#send({ failed: id, message: messageOf(error), error: kind });
    }
  }
}

function errorOf({ message, error }: Extract<LinkMessage, { readonly failed: number }>): Error {
  return error === undefined ? new Error(message) : new AditError(error, message);
}
