// Keeps the gateway threads alive and carries messages between them and the control plane.

import type { Worker } from 'node:worker_threads';
import { checkAndPack } from './check-and-pack.ts';
import { ConnectionCounts, createConnectionCounts, readConnections } from './edge/connection-counts.ts';
import { spawnThread } from './spawn-thread.ts';
import { toStartError } from './start-error.ts';
import type { CredentialAnswer, FromThread, GatewayBoot, ThreadBoot, ToThread } from './messages.ts';
import type { PackedSnapshot } from './packed-snapshot.ts';
import type { ServiceHealth, TlsCertificate } from './ports.ts';
import { type Answer, NO_ANSWER, Questions } from './questions.ts';
import { RecordWriting } from './record-writing.ts';
import type { SnapshotConfig } from './snapshot.ts';
import type { LookupCounts, Observation, Supervisor, SupervisorOptions, ThreadObservation } from './supervision.ts';
import { createRequestCounts, readRequestCounts } from './request-counts.ts';

const OBEY_TIMEOUT_MS = 10_000;
/** Whoever observes does not wait longer than that for one thread. */
const OBSERVE_TIMEOUT_MS = 2000;
const MIN_RESTART_MS = 100;
const MAX_RESTART_MS = 5000;
const STABLE_MS = 30_000;

/** Threads that load their code and wait: half a second that the main thread can use for other things. */
export function spawnThreads(count: number): readonly Worker[] {
  return Array.from({ length: count }, (_, i) => spawnThread(i + 1));
}

/** Sets the waiting threads to work and resolves when all of them listen. */
export async function startGateway(workers: readonly Worker[], options: SupervisorOptions): Promise<Supervisor> {
  const snapshot = await checkAndPack(options.boot.snapshot, options.policies).catch(async (cause: unknown) => {
    await Promise.all(workers.map((worker) => worker.terminate()));
    throw cause;
  });
  const fleet = new Fleet(options, snapshot);
  await fleet.start(workers);
  return fleet;
}

/** As whom the supervisor holds the lock of what all threads count: no thread has this number. */
const SUPERVISOR = 1_000_000;
/** Node gives a thread that has ended this id. */
const ENDED = -1;

interface Seat {
  readonly number: number;
  worker: Worker;
  /** It listens, and hears what it is told. One that starts gets the newest of everything when it does. */
  alive: boolean;
  startedAtMs: number;
  failures: number;
  restarts: number;
}

class Fleet implements Supervisor {
  readonly #options: SupervisorOptions;
  readonly #seats: Seat[] = [];
  readonly #questions: Questions<Seat>;
  readonly #records: RecordWriting;
  readonly #lookups: { -readonly [Outcome in keyof LookupCounts]: number } = { known: 0, unknown: 0, unavailable: 0 };
  /** The newest that was told, and the newest that no thread refused: what a new thread starts from. */
  #told: PackedSnapshot;
  #served: PackedSnapshot;
  #tls: GatewayBoot['tls'];
  #countries: GatewayBoot['countries'];
  readonly #connectionCounts: SharedArrayBuffer;
  readonly #requestCounts: SharedArrayBuffer;
  #stopping = false;

  constructor(options: SupervisorOptions, snapshot: PackedSnapshot) {
    this.#options = options;
    this.#told = snapshot;
    this.#served = snapshot;
    this.#tls = options.boot.tls;
    this.#countries = options.boot.countries;
    this.#connectionCounts = createConnectionCounts(options.boot.limits.connections);
    this.#requestCounts = createRequestCounts(options.boot.threads);
    this.#records = new RecordWriting(options);
    this.#questions = new Questions(({ number }) =>
      options.log.error({ thread: number }, 'a gateway thread does not answer'),
    );
  }

  async start(workers: readonly Worker[]): Promise<void> {
    const starts = workers.map((waiting, i) => {
      const worker = waiting.threadId === ENDED ? spawnThread(i + 1) : waiting;
      const seat: Seat = { number: i + 1, worker, alive: false, startedAtMs: Date.now(), failures: 0, restarts: 0 };
      this.#seats.push(seat);
      return this.#supervise(seat);
    });
    try {
      await Promise.all(starts);
    } catch (cause) {
      this.#stopping = true; // Whoever cannot start does not try again behind the back of who was told.
      await Promise.all(this.#seats.map((seat) => seat.worker.terminate()));
      throw cause;
    }
  }

  async publish(snapshot: SnapshotConfig): Promise<void> {
    const packed = await checkAndPack(snapshot, this.#options.policies);
    // Two changes may be committed in one order and arrive here in the other: the newest holds.
    const newest = packed.version < this.#told.version ? this.#told : packed;
    this.#told = newest;
    const answers = await this.#tellAll((id) => ({ type: 'publish', id, snapshot: newest }));
    const faults = answers.flatMap((answer) => answer.faults);
    if (faults.length > 0) throw new Error(`a gateway thread refused the snapshot: ${faults.join('; ')}`);
    if (newest.version >= this.#served.version) this.#served = newest;
  }

  async forget(publicIds: readonly string[] | 'all'): Promise<void> {
    await this.#tellAll((id) => ({ type: 'forget', id, publicIds }));
  }

  async setCertificates(certificates: readonly TlsCertificate[]): Promise<void> {
    if (this.#tls !== undefined) this.#tls = { ...this.#tls, certificates };
    await this.#tellAll((id) => ({ type: 'certificates', id, certificates }));
  }

  async setCountries(database: SharedArrayBuffer): Promise<void> {
    this.#countries = { ...this.#countries, database };
    await this.#tellAll((id) => ({ type: 'countries', id, database }));
  }

  async health(gatewayId: string): Promise<(readonly ServiceHealth[])[]> {
    const answers = await this.#tellAll((id) => ({ type: 'health', id, gatewayId }));
    return answers.flatMap(({ health }) => (health === undefined ? [] : [health]));
  }

  async observe(): Promise<Observation> {
    const threads = await Promise.all(this.#seats.map((seat) => this.#observe(seat)));
    return {
      threads,
      requestCounts: readRequestCounts(this.#requestCounts),
      connections: readConnections(this.#connectionCounts),
      records: this.#records.counts,
      lookups: { ...this.#lookups },
    };
  }

  async flushRecords(): Promise<void> {
    await this.#tellAll((id) => ({ type: 'flush', id }));
    await this.#records.settled();
  }

  async drain(timeoutMs: number): Promise<void> {
    this.#stopping = true;
    await this.#tellAll((id) => ({ type: 'drain', id, timeoutMs }), timeoutMs + OBEY_TIMEOUT_MS);
    await this.#records.settled();
    await Promise.all(this.#seats.map((seat) => seat.worker.terminate()));
  }

  /** Resolves when the seat's thread listens; restarts it whenever it dies later. */
  #supervise(seat: Seat): Promise<void> {
    const { worker } = seat;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    let reason: unknown;
    const boot: ThreadBoot = {
      ...this.#options.boot,
      snapshot: this.#served,
      tls: this.#tls,
      countries: this.#countries,
      thread: seat.number,
      connectionCounts: this.#connectionCounts,
      requestCounts: this.#requestCounts,
    };
    worker.postMessage(boot);
    worker.on('message', (message: FromThread) => {
      if (message.type === 'listening') {
        seat.alive = true;
        this.#catchUp(seat, boot);
        resolve();
      } else if (message.type === 'unable') reject(toStartError(message));
      else this.#receive(seat, message);
    });
    worker.on('error', (cause) => {
      reason = cause;
    });
    worker.on('exit', () => {
      reject(reason instanceof Error ? reason : new Error('a gateway thread ended before it listened'));
      seat.alive = false;
      new ConnectionCounts(this.#connectionCounts, SUPERVISOR).forget(seat.number);
      this.#options.circuits.drop(seat.number);
      this.#questions.giveUp(seat);
      if (!this.#stopping) void this.#restart(seat, reason);
    });
    return promise;
  }

  /** What was told while the thread started. */
  #catchUp(seat: Seat, boot: ThreadBoot): void {
    const id = this.#questions.newId();
    if (this.#told !== boot.snapshot) this.#tell(seat, { type: 'publish', id, snapshot: this.#told });
    if (this.#tls !== undefined && this.#tls !== boot.tls) {
      this.#tell(seat, { type: 'certificates', id, certificates: this.#tls.certificates });
    }
  }

  async #restart(seat: Seat, reason: unknown): Promise<void> {
    const { log } = this.#options;
    if (Date.now() - seat.startedAtMs > STABLE_MS) seat.failures = 0;
    const delayMs = Math.min(MIN_RESTART_MS * 2 ** seat.failures, MAX_RESTART_MS);
    seat.failures++;
    const stack = reason instanceof Error ? reason.stack : reason;
    log.error({ thread: seat.number, delayMs, stack }, 'a gateway thread died and is restarted');
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    if (this.#stopping) return;
    seat.worker = spawnThread(seat.number);
    seat.startedAtMs = Date.now();
    seat.restarts++;
    try {
      await this.#supervise(seat);
      log.info({ thread: seat.number }, 'the gateway thread listens again');
    } catch (cause) {
      log.error({ thread: seat.number, reason: String(cause) }, 'the gateway thread could not be restarted yet');
      await seat.worker.terminate(); // Its end leads back here, with a longer delay.
    }
  }

  #receive(seat: Seat, message: FromThread): void {
    switch (message.type) {
      case 'done':
        this.#questions.answer(message);
        return;
      case 'find':
        void this.#find(seat, message);
        return;
      case 'rehash':
        // A key that stays under the previous pepper goes on working; it is hashed anew at its next look-up.
        this.#options
          .saveRehash(message.rehash)
          .catch((cause: unknown) =>
            this.#options.log.warn({ reason: String(cause) }, 'a key could not be hashed under the new pepper yet'),
          );
        return;
      case 'circuit':
        this.#options.circuits.take(seat.number, message.news);
        return;
      case 'quota':
        this.#options.takeQuota?.(message.news);
        return;
      case 'records': {
        const memory = message.records.buffer;
        void this.#records
          .take(seat.number, message.records, message.dropped)
          .then(() => this.#tell(seat, { type: 'recorded', memory }, [memory]));
        return;
      }
      case 'log':
        this.#options.log[message.level]({ thread: seat.number, ...message.fields }, message.message);
        return;
      case 'listening':
      case 'unable':
    }
  }

  async #find(seat: Seat, { publicId, id, text }: Extract<FromThread, { type: 'find' }>): Promise<void> {
    let answer: CredentialAnswer;
    try {
      const found = await this.#options.findCredential(publicId, text);
      answer = typeof found === 'object' ? { state: 'known', credential: found } : { state: found ?? 'unknown' };
    } catch {
      answer = { state: 'unavailable' };
    }
    this.#lookups[answer.state === 'declined' ? 'unavailable' : answer.state]++;
    this.#tell(seat, { type: 'credential', publicId, id, answer });
  }

  #tell(seat: Seat, message: ToThread, handedOver: ArrayBuffer[] = []): void {
    seat.worker.postMessage(message, handedOver);
  }

  async #observe(seat: Seat): Promise<ThreadObservation> {
    const begin = performance.now();
    const { state } = seat.alive
      ? await this.#ask(seat, (id) => ({ type: 'observe', id }), OBSERVE_TIMEOUT_MS)
      : NO_ANSWER;
    return {
      number: seat.number,
      restarts: seat.restarts,
      busyMs: seat.worker.performance.eventLoopUtilization().active,
      delayMs: performance.now() - begin,
      state,
    };
  }

  /** Tells every thread and waits until each has obeyed; a new thread starts from the newest state anyway. */
  #tellAll(toMessage: (id: number) => ToThread, timeoutMs = OBEY_TIMEOUT_MS): Promise<Answer[]> {
    return Promise.all(this.#seats.filter((seat) => seat.alive).map((seat) => this.#ask(seat, toMessage, timeoutMs)));
  }

  #ask(seat: Seat, toMessage: (id: number) => ToThread, timeoutMs: number): Promise<Answer> {
    return this.#questions.ask(seat, (id) => this.#tell(seat, toMessage(id)), timeoutMs);
  }
}
