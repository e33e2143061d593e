// The control plane's listener: a private Unix socket, behind the gateway. Whatever came another way is refused without a word.

import { chmod, lstat, rm } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { fastify, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { toProblemBody } from '../lib/problem.ts';
import { parseCaller, type Caller } from './caller.ts';
import type { BoundOperation, Form, Operation, StreamedAnswer } from './operation.ts';
import { toProblem } from './refusal.ts';
import { isSameSecret } from './same-secret.ts';
import type { Services } from './services.ts';
import { createValidation } from './validation.ts';

/** The caller's own headers and what the gateway adds: its context can be as long as a key's scopes. */
const MAX_HEADER_BYTES = 64 * 1024;
const REQUEST_TIMEOUT_MS = 30_000;
const HANDLER_TIMEOUT_MS = 60_000;
/** For a streamed answer to be taken whole; one that nobody takes is ended by the gateway much sooner. */
const STREAM_TIMEOUT_MS = 6 * 60 * 60_000;
/** Longer than the gateway keeps an idle connection: only then does it never write to one that is just being closed. */
const KEEP_ALIVE_TIMEOUT_MS = 10 * 60_000;
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\s*(?:;|$)/i;

export const TOKEN_HEADER = 'tollgate-control-token';
export const CONTEXT_HEADER = 'tollgate-context';

export interface ControlServerOptions {
  readonly operations: readonly Operation[];
  readonly services: Services;
  /** What the gateway proves itself with. */
  readonly controlToken: string;
  readonly log: Logger;
}

export interface ControlServer {
  /** For tests: takes requests without a socket. */
  readonly app: FastifyInstance;
  /** A socket that a killed process left behind is replaced. */
  listen(socketPath: string): Promise<void>;
  /** Resolves when the requests in flight have been answered. */
  close(): Promise<void>;
}

export function createControlServer(options: ControlServerOptions): ControlServer {
  const app = fastify({
    logger: false,
    requestTimeout: REQUEST_TIMEOUT_MS,
    keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
    forceCloseConnections: 'idle',
    exposeHeadRoutes: true,
    http: { maxHeaderSize: MAX_HEADER_BYTES },
  });
  acceptJsonOnly(app);
  app.addHook('onRequest', async (request, reply) => {
    const known = isSameSecret(options.controlToken, request.headers[TOKEN_HEADER]) && callerOf(request) !== undefined;
    if (!known) await reply.code(404).send();
  });
  app.setErrorHandler((error, request, reply) => refuse(error, request, reply, options.log));
  app.setNotFoundHandler((request, reply) => refuse(undefined, request, reply, options.log));
  addRoutes(app, options);
  return {
    app,
    listen: (socketPath) => listen(app, socketPath),
    close: () => app.close(),
  };
}

function addRoutes(app: FastifyInstance, options: ControlServerOptions): void {
  const validation = createValidation();
  for (const operation of options.operations) {
    const run = operation.bind(validation);
    const add = (path: string, form: Form): void => {
      app.route({
        method: operation.method,
        url: toRoute(path),
        bodyLimit: operation.maxBodyBytes,
        handler: handler(run, form, options.services),
        handlerTimeout: operation.streams.length > 0 ? STREAM_TIMEOUT_MS : HANDLER_TIMEOUT_MS,
      });
    };
    add(`/api/v1${operation.path}`, 'envelope');
    add(`/api${operation.path}`, 'envelope');
    if (operation.compact !== undefined) add(operation.compact.path, 'compact');
  }
}

function handler(run: BoundOperation, form: Form, services: Services) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const caller = callerOf(request);
    if (caller === undefined) return reply.code(404).send();
    const { params, query, headers, body } = request;
    const arrival = { ...caller, nowMs: services.clock.nowMs(), services };
    const outcome = await run({ params, query, headers, body }, arrival, form);
    if ('chunks' in outcome) return stream(reply, outcome);
    reply.code(outcome.status).header('cache-control', 'no-store').headers(outcome.headers);
    if (outcome.body === undefined) return reply.send();
    return reply.type('application/json; charset=utf-8').send(JSON.stringify(outcome.body));
  };
}

function stream(reply: FastifyReply, { mediaType, fileName, chunks }: StreamedAnswer): FastifyReply {
  if (fileName !== undefined) reply.header('content-disposition', `attachment; filename="${fileName}"`);
  return reply
    .header('cache-control', 'no-store')
    .type(mediaType)
    .send(Readable.from(chunks, { objectMode: false }));
}

function callerOf(request: FastifyRequest): Caller | undefined {
  const text = request.headers[CONTEXT_HEADER];
  return typeof text === 'string' ? parseCaller(text) : undefined;
}

/** An undefined error stands for a route that is not there. */
function refuse(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Logger): FastifyReply {
  const problem = toProblem(error);
  const requestId = callerOf(request)?.requestId ?? '';
  if (problem.status >= 500)
    log.error({ err: problem.cause ?? problem, requestId, code: problem.code }, 'management call failed');
  for (let i = 0; i + 1 < problem.headers.length; i += 2)
    reply.header(problem.headers[i] ?? '', problem.headers[i + 1]);
  const instance = request.url.split('?', 1)[0] ?? '';
  return reply
    .code(problem.status)
    .header('cache-control', 'no-store')
    .type('application/problem+json; charset=utf-8')
    .send(JSON.stringify(toProblemBody(problem, { instance, requestId })));
}

function acceptJsonOnly(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(JSON_TYPE, { parseAs: 'string' }, (request, text, done) => {
    // Clients send the content type along with a DELETE that has no body.
    if (text === '') done(null, undefined);
    else void parseJson(request, text.toString(), done);
  });
}

/** `/keys/{id}` → `/keys/:id`. */
function toRoute(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, ':$1');
}

async function listen(app: FastifyInstance, socketPath: string): Promise<void> {
  const stale = await lstat(socketPath).catch(() => undefined);
  if (stale !== undefined) {
    if (!stale.isSocket()) throw new Error(`${socketPath} is there and is not a socket`);
    await rm(socketPath);
  }
  await app.listen({ path: socketPath });
  await chmod(socketPath, 0o600);
}
