// A gateway of a snapshot, in one thread: compiled when a request comes to where it is, or when something else needs it. Most gateways of a
// large installation are never called in a given thread, and a deploy of all must not make every thread compile all.

import { toRefusals } from './broken-gateway.ts';
import { compileGateway, type CompileDeps } from './compile.ts';
import type { GatewayHead, PackedGateway } from './packed-snapshot.ts';
import type { Plan } from './plan.ts';
import type { Route } from './router.ts';
import { isGatewayConfig } from './snapshot.ts';

export interface PublishedDeps extends CompileDeps {
  /** Told of a gateway that was checked and yet cannot be compiled: a defect. Its requests are refused; all others go on. */
  readonly onBroken: (head: GatewayHead, cause: unknown) => void;
}

export class PublishedGateway {
  readonly head: GatewayHead;
  readonly #deps: PublishedDeps;
  /** Let go when it is compiled, with the memory behind it. */
  #read: PackedGateway['read'] | undefined;
  #routes: readonly Route<Plan>[] | undefined = undefined;
  #isServed = false;
  #isBroken = false;

  constructor({ head, read }: PackedGateway, deps: PublishedDeps) {
    this.head = head;
    this.#read = read;
    this.#deps = deps;
  }

  get isCompiled(): boolean {
    return this.#routes !== undefined;
  }

  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** It stands in another snapshot, too: that one's memory will do. */
  moveTo({ read }: PackedGateway): void {
    if (this.#routes === undefined) this.#read = read;
  }

  /** From now on its services are those of the gateway. */
  serve(): void {
    if (this.#isServed) return;
    this.#isServed = true;
    this.#settle();
  }

  routes(): readonly Route<Plan>[] {
    if (this.#routes !== undefined) return this.#routes;
    this.#routes = this.#compile();
    this.#read = undefined;
    if (this.#isServed) this.#settle();
    return this.#routes;
  }

  #compile(): readonly Route<Plan>[] {
    try {
      const config = this.#read?.();
      if (!isGatewayConfig(config)) throw new TypeError('it has another form than a gateway has');
      return compileGateway(config, this.#deps);
    } catch (cause) {
      this.#isBroken = true;
      this.#deps.onBroken(this.head, cause);
      return toRefusals(this.head, this.#deps);
    }
  }

  #settle(): void {
    if (this.#routes === undefined) return;
    const plans = new Set(this.#routes.map(({ value }) => value));
    this.#deps.services.settle(this.head.id, this.#isBroken ? [] : [...plans]);
  }
}
