// Whatever went wrong with a management call, as the problem that the caller sees. Internals go into its private cause only.

import { isDatabaseAway } from '../db/failure.ts';
import { Problem } from '../lib/problem.ts';

/** An undefined error stands for a route that is not there. */
export function toProblem(error: unknown): Problem {
  if (error === undefined) return new Problem('route_not_found');
  if (error instanceof Problem) return error;
  switch (codeOf(error)) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new Problem('body_too_large', {
        detail: 'The body of a management call may have at most 1 MiB, that of a declaration or an import 16 MiB.',
      });
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new Problem('unsupported_media_type');
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new Problem('malformed_body', { detail: 'The body is not well-formed JSON.' });
    case 'FST_ERR_HANDLER_TIMEOUT':
      return new Problem('not_ready', { detail: 'The call took too long and was given up.', cause: error });
    default:
      if (isDatabaseAway(error)) {
        return new Problem('not_ready', {
          detail: 'The database did not answer, or not in time; try again.',
          cause: error,
        });
      }
      return isJsonSyntaxError(error)
        ? new Problem('malformed_body', { detail: 'The body is not well-formed JSON.' })
        : internal(error);
  }
}

function internal(cause: unknown): Problem {
  return new Problem('internal_error', { cause });
}

/** Fastify's parser throws SyntaxErrors with a 400 of its own; those of our own code have none. */
function isJsonSyntaxError(error: unknown): boolean {
  return error instanceof SyntaxError && 'statusCode' in error && error.statusCode === 400;
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
