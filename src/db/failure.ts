// What a failed statement means, told by its SQLSTATE or by the error of the connection.

const UNIQUE_VIOLATION = '23505';
const INSUFFICIENT_PRIVILEGE = '42501';
/** Of 08, every connection exception; the others one by one. */
const AWAY: ReadonlySet<string> = new Set([
  '53300', // too_many_connections
  '57014', // query_canceled: the statement timeout
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);
/** The pool and the driver tell these by their text only. */
const AWAY_TEXT =
  /^(timeout exceeded when trying to connect|Query read timeout|Connection terminated|Client has encountered a connection error)/;

/** Whether the error says that a row with the same values is there already; `constraint` is the constraint's or index's name. */
export function isUniqueViolation(error: unknown, constraint: string): boolean {
  return (
    codeOf(error) === UNIQUE_VIOLATION &&
    error instanceof Error &&
    'constraint' in error &&
    error.constraint === constraint
  );
}

/** Whether the database, not the statement, is what is wrong: it may be right the next time. */
export function isDatabaseAway(error: unknown): boolean {
  const code = codeOf(error);
  return AWAY.has(code) || code.startsWith('08') || (error instanceof Error && AWAY_TEXT.test(error.message));
}

/** Whether the database user may not do this. */
export function isForbidden(error: unknown): boolean {
  return codeOf(error) === INSUFFICIENT_PRIVILEGE;
}

/** Whether a value has the wrong form for its type (class 22, data exception). */
export function isBadValue(error: unknown): boolean {
  return codeOf(error).startsWith('22');
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
