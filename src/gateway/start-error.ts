// Why a gateway thread could not start.

interface Cause {
  /** The system's; empty when it was something else. */
  readonly code: string;
  readonly port: number | undefined;
  readonly message: string;
}

/** A listener that could not be bound, with the system's code (`EADDRINUSE`, `EACCES`, …). */
export class ListenError extends Error {
  readonly code: string;
  /** The one that could not be had, where it is known. */
  readonly port: number | undefined;

  constructor({ code, port, message }: Cause) {
    super(message);
    this.name = 'ListenError';
    this.code = code;
    this.port = port;
  }
}

/** Without the system's code, it was not the listening that failed. */
export function toStartError(cause: Cause): Error {
  return cause.code === '' ? new Error(`a gateway thread could not start: ${cause.message}`) : new ListenError(cause);
}
