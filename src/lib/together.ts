// Does in one go what many ask for at once: what comes in while a go is under way makes the next one. Alone, nobody waits.

/** Jobs of one group that wait; more are refused by whoever lets them in: as many as there are calls under way. */
interface Queue<Job, Result> {
  readonly waiting: Entry<Job, Result>[];
}

interface Entry<Job, Result> {
  readonly job: Job;
  readonly done: PromiseWithResolvers<Result>;
}

export interface TogetherOptions<Job, Result> {
  /** In one go; what is more waits for the next. */
  readonly maxJobs: number;
  /** All of them or none; one result for each, in order. */
  readonly carryOut: (jobs: readonly Job[]) => Promise<readonly Result[]>;
  /** Whether a go failed of one of its jobs, and surely did nothing: then each is carried out alone. */
  readonly isOfOne: (cause: unknown) => boolean;
}

export class Together<Job, Result> {
  readonly #options: TogetherOptions<Job, Result>;
  readonly #queues = new Map<string, Queue<Job, Result>>();

  constructor(options: TogetherOptions<Job, Result>) {
    this.#options = options;
  }

  /** Jobs of different groups are never in one go. */
  run(group: string, job: Job): Promise<Result> {
    const entry = { job, done: Promise.withResolvers<Result>() };
    const queue = this.#queues.get(group);
    if (queue === undefined) {
      const fresh = { waiting: [entry] };
      this.#queues.set(group, fresh);
      void this.#work(group, fresh);
    } else queue.waiting.push(entry);
    return entry.done.promise;
  }

  async #work(group: string, { waiting }: Queue<Job, Result>): Promise<void> {
    while (waiting.length > 0) await this.#go(waiting.splice(0, this.#options.maxJobs));
    this.#queues.delete(group);
  }

  /** Never rejects: whoever waits for a job is told. */
  async #go(entries: readonly Entry<Job, Result>[]): Promise<void> {
    try {
      const results = await this.#options.carryOut(entries.map(({ job }) => job));
      if (results.length !== entries.length) throw new Error('a go gave another number of results than it had jobs');
      results.forEach((result, i) => entries[i]?.done.resolve(result));
    } catch (cause) {
      if (entries.length > 1 && this.#options.isOfOne(cause)) for (const entry of entries) await this.#go([entry]);
      else for (const { done } of entries) done.reject(cause);
    }
  }
}
