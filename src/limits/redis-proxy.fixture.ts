// Stands between a limiter and a real Redis, and fails as networks and servers do.

import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

export class RedisProxy {
  #target: URL;
  readonly #sockets = new Set<Socket>();
  readonly #mute = new WeakSet<Socket>();
  #server: Server | undefined;
  #port = 0;
  #isFrozen = false;
  /** How many connections were made to it. */
  connections = 0;
  /** How many chunks came from the client: what goes out in one write arrives as one, when it is small. */
  chunks = 0;

  private constructor(target: string) {
    this.#target = new URL(target);
  }

  static async start(target: string): Promise<RedisProxy> {
    const proxy = new RedisProxy(target);
    await proxy.restore();
    return proxy;
  }

  get url(): string {
    const url = new URL(this.#target);
    url.hostname = '127.0.0.1';
    url.port = String(this.#port);
    return url.href;
  }

  /** Where new connections lead. */
  set target(target: string) {
    this.#target = new URL(target);
  }

  /** Accepts and passes on; after a `stop`, at the same port. */
  async restore(): Promise<void> {
    this.#isFrozen = false;
    const server = createServer((client) => this.#serve(client));
    this.#server = server;
    await new Promise<void>((resolve, reject) => server.once('error', reject).listen(this.#port, '127.0.0.1', resolve));
    this.#port = toPort(server.address());
  }

  /** Breaks every connection and refuses new ones. */
  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve) ?? resolve(undefined));
    this.cut();
    await closed;
    this.#server = undefined;
  }

  /** Breaks every connection. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  /** Goes on accepting, and answers nothing any more: on the connections of now for ever, on new ones until the thaw. */
  freeze(): void {
    this.#isFrozen = true;
    for (const socket of this.#sockets) this.#mute.add(socket);
  }

  thaw(): void {
    this.#isFrozen = false;
  }

  #serve(client: Socket): void {
    this.connections++;
    const server = connect(Number(this.#target.port || 6379), this.#target.hostname);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(socket);
      if (this.#isFrozen) this.#mute.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    client.on('data', (chunk) => {
      this.chunks++;
      if (!this.#mute.has(client)) server.write(chunk);
    });
    server.on('data', (chunk) => {
      if (!this.#mute.has(client)) client.write(chunk);
    });
  }
}

function toPort(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  return address.port;
}
