// What gateway threads were asked, or told to do, and have not answered yet.

import type { Obeyed } from './messages.ts';

export type Answer = Pick<Obeyed, 'faults' | 'health' | 'state'>;

/** Of a thread that does not answer. */
export const NO_ANSWER: Answer = { faults: [] };

interface Question<Asked> {
  readonly asked: Asked;
  readonly resolve: (answer: Answer) => void;
}

export class Questions<Asked> {
  readonly #onSilence: (asked: Asked) => void;
  readonly #open = new Map<number, Question<Asked>>();
  #lastId = 0;

  /** Told of whoever took too long. */
  constructor(onSilence: (asked: Asked) => void) {
    this.#onSilence = onSilence;
  }

  newId(): number {
    return ++this.#lastId;
  }

  /** Resolves when there is an answer, or none will come. */
  async ask(asked: Asked, send: (id: number) => void, timeoutMs: number): Promise<Answer> {
    const id = this.newId();
    const { promise, resolve } = Promise.withResolvers<Answer>();
    this.#open.set(id, { asked, resolve });
    const timer = setTimeout(() => {
      this.#onSilence(asked);
      resolve(NO_ANSWER);
    }, timeoutMs);
    send(id);
    const answer = await promise;
    clearTimeout(timer);
    this.#open.delete(id);
    return answer;
  }

  answer(message: Obeyed): void {
    this.#open.get(message.id)?.resolve(message);
  }

  /** Nothing is waited for any longer that was asked of it. */
  giveUp(asked: Asked): void {
    for (const question of this.#open.values()) if (question.asked === asked) question.resolve(NO_ANSWER);
  }
}
