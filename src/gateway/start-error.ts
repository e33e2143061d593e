// Why a gateway thread could not start.

/** A listener that could not be bound, with the system's code (`EADDRINUSE`, `EACCES`, …). */
export class ListenError extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'ListenError';
    this.code = code;
  }
}

/** Without the system's code, it was not the listening that failed. */
export function toStartError({ code, message }: { readonly code: string; readonly message: string }): Error {
  return code === '' ? new Error(`a gateway thread could not start: ${message}`) : new ListenError(code, message);
}
