// One node of Tollgate, put together: data directory → secrets → database → control plane → gateway threads.

import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import { claimPort } from './claim-port.ts';
import { SettingsError, type Settings } from './config.ts';
import { openCountries, watchCountries } from './country-database.ts';
import { socketPathIn } from './control-socket.ts';
import { createControlPlane, type ControlPlane } from './control/control-plane.ts';
import { writeRecords } from './control/publish/records.ts';
import { saveRehash } from './control/publish/rehash.ts';
import { fillQuickstart } from './control/quickstart.ts';
import type { ReadinessCheck } from './control/services.ts';
import { startUpkeep } from './control/upkeep.ts';
import { createDataPlane } from './data-plane-door.ts';
import { DataDirInUse, openDataDir, type DataDir } from './data-dir.ts';
import { edgeLimitsOf, keyCacheOf, pathRulesOf } from './data-plane-settings.ts';
import { watchDatabase } from './database-watch.ts';
import { readInstallation } from './db/installation.ts';
import type { OpenedDatabase } from './db/open.ts';
import { startEcho } from './demo/echo.ts';
import { spawnThreads } from './gateway/supervisor.ts';
import { toPseudonym } from './gateway/via.ts';
import { openKeySource } from './key-path.ts';
import { systemClock } from './lib/clock.ts';
import { createIpMatcher } from './lib/ip-range.ts';
import { keepCounters, restoreCounters } from './keep-counters.ts';
import { createCounters, limitSettingsOf, openMainLimiter, reachRedis } from './limit-counters.ts';
import type { RedisLimiter } from './limits/redis.ts';
import { readLimitMetrics } from './limits/shared-counters.ts';
import { openStore } from './open-store.ts';
import { createScrape } from './metrics/scrape.ts';
import { policies } from './policies/index.ts';
import type { Secrets } from './secrets.ts';
import { createSnapshotFile } from './snapshot-file.ts';
import { startJobs } from './start-jobs.ts';
import { startThreads } from './start-threads.ts';
import { readVersion } from './version.ts';
import { openCertificates, showNewCertificates } from './tls-certificates.ts';

const UPKEEP_MS = 10 * 60_000;
const QUICKSTART = new URL('../examples/quickstart.yaml', import.meta.url);

export interface RunningNode {
  readonly port: number;
  /** For setting up from another machine; undefined once there is an operator. */
  readonly setupToken: string | undefined;
  readonly isDemo: boolean;
  /** Refuses new work, lets the work in flight finish, saves what is buffered, lets everything go. */
  stop(): Promise<void>;
}

/** Starts a node; throws a SettingsError for whatever the person who started it can mend. */
export async function startNode(settings: Settings, log: Logger): Promise<RunningNode> {
  const dataDir = claimDataDir(settings.DATA_DIR);
  const secrets = readSecrets(settings, dataDir);
  const certificates = openCertificates(settings, log);
  const countries = openCountries(settings);
  const port = await claimPort(settings.HOST, settings.PORT);
  if (certificates !== undefined) await claimPort(settings.HOST, settings.TLS_PORT, 'TLS_PORT');
  const threads = spawnThreads(settings.THREADS);
  const file = createSnapshotFile({
    dataDir: dataDir.path,
    ...secrets,
    onError: (cause) => log.error({ reason: String(cause) }, 'the last good snapshot could not be read or kept'),
  });
  const { database, lastGood } = await openStore({ settings, dataDir: dataDir.path, secrets, file, log });
  const redis = await reachRedis(settings.REDIS_URL);
  const counters = createCounters(settings, secrets.hmacSecret);
  const limiter = openMainLimiter(counters);
  const dataPlane = createDataPlane(database.kind === 'postgres' ? file : undefined);
  let draining = false;

  const defaultLimits = {
    requestsPerMinute: settings.DEFAULT_REQUESTS_PER_MINUTE,
    requestsPerHour: settings.DEFAULT_REQUESTS_PER_HOUR,
    requestsPerDay: settings.DEFAULT_REQUESTS_PER_DAY,
  };
  const controlToken = newToken();
  const setupToken = newToken();
  const control = createControlPlane({
    db: database.db,
    log,
    clock: systemClock,
    socketPath: socketPathIn(dataDir),
    controlToken,
    setupToken,
    keyPrefix: settings.KEY_PREFIX,
    hmacSecret: secrets.hmacSecret,
    encryptionKey: secrets.encryptionKey,
    undefinedScopes: settings.UNDEFINED_SCOPES,
    previousHmacSecret: secrets.previousHmacSecret,
    validationsPerMinute: settings.VALIDATIONS_PER_MINUTE,
    defaultLimits,
    clients: {
      isApprovalAutomatic: settings.CLIENT_APPROVAL === 'automatic',
      areCountriesKnown: countries.header !== undefined || countries.database !== undefined,
    },
    dataPlane,
    limiter: redis ?? limiter,
    policies,
    paths: pathRulesOf(settings),
    privateTargets: settings.PRIVATE_TARGETS,
    readiness: readinessOf(database, redis),
    metrics: {
      isAllowed: createIpMatcher(settings.METRICS_NETWORKS),
      scrape: createScrape({
        build: { version: readVersion(), node: process.version },
        maxConnections: settings.MAX_CONNECTIONS,
        observe: () => dataPlane.observe(),
        readLimits: () => readLimitMetrics(counters),
        listGateways: () => dataPlane.listGateways(),
      }),
    },
    isDraining: () => draining,
  });
  await control.listen();
  const echo = settings.DEMO && lastGood === undefined ? await startDemo(settings, control, log) : undefined;

  const snapshot =
    lastGood === undefined
      ? await control.services.loadSnapshot()
      : { version: 0, paths: control.services.paths, gateways: [control.management, ...lastGood] };
  // Without the database they begin anew.
  if (redis === undefined && lastGood === undefined) await restoreCounters(database.db, limiter, systemClock.nowMs());
  const keySource = openKeySource(database, defaultLimits, log);
  const supervisor = await startThreads(threads, {
    log,
    findCredential: (publicId) => keySource.find(publicId),
    saveRehash: (rehash) => saveRehash(database.db, rehash),
    writeRecords: (records) => writeRecords(database, records),
    circuits: control.circuits,
    takeQuota: (news) => control.quotas.take(news),
    boot: {
      host: settings.HOST,
      port,
      threads: threads.length,
      hmacSecret: secrets.hmacSecret,
      previousHmacSecret: secrets.previousHmacSecret,
      pseudonym: toPseudonym(secrets.hmacSecret),
      keyCache: keyCacheOf(settings),
      privateTargets: settings.PRIVATE_TARGETS,
      secretsKey: control.services.secretsKey,
      controlToken,
      trustedProxies: settings.TRUSTED_PROXIES,
      countries,
      limits: edgeLimitsOf(settings),
      counters,
      limitSettings: limitSettingsOf(settings),
      redisUrl: settings.REDIS_URL,
      redisTimeoutMs: settings.REDIS_TIMEOUT_MS,
      tls: certificates && { port: settings.TLS_PORT, certificates: certificates.certificates },
      snapshot,
    },
  });
  dataPlane.attach(supervisor, snapshot);
  const keeper = redis === undefined ? keepCounters({ db: database.db, counters, clock: systemClock, log }) : undefined;
  if (lastGood === undefined) dataPlane.keep(snapshot);
  const certificateWatch = certificates && showNewCertificates(certificates, supervisor, log);
  const countryWatch = watchCountries(settings, log, (fresh) => supervisor.setCountries(fresh));
  const watch = watchDatabase({ database, secrets, control, supervisor, log, since: snapshot.version });
  const upkeep = startUpkeep({
    db: database.db,
    clock: systemClock,
    intervalMs: UPKEEP_MS,
    onError: (cause) => log.error({ reason: String(cause) }, 'what is out of date could not be thrown away'),
  });
  const schedule = startJobs({ db: database.db, settings, auditKey: control.services.auditKey, log });
  // Whoever kept a snapshot was set up before.
  const isSetUp = lastGood !== undefined || (await readInstallation(database.db)).setupAt !== undefined;

  return {
    port,
    setupToken: isSetUp ? undefined : setupToken,
    isDemo: echo !== undefined,
    async stop() {
      draining = true;
      await new Promise((resolve) => setTimeout(resolve, settings.DRAIN_DELAY_SECONDS * 1000));
      await Promise.all([watch?.stop(), schedule.stop(), upkeep.stop()]);
      certificateWatch?.stop();
      countryWatch?.stop();
      await supervisor.drain(settings.DRAIN_SECONDS * 1000);
      await keeper?.stop();
      await file.flush();
      await control.close();
      echo?.close();
      redis?.close();
      await database.close();
      dataDir.release();
    },
  };
}

function claimDataDir(path: string): DataDir {
  try {
    return openDataDir(path);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (cause instanceof DataDirInUse) {
      throw new SettingsError([`DATA_DIR: ${path} is in use: ${reason}; stop it, or choose another folder`]);
    }
    throw new SettingsError([`DATA_DIR: ${path} cannot be used (${reason}); choose a folder that this user may write`]);
  }
}

function readSecrets(settings: Settings, dataDir: DataDir): Secrets {
  return {
    hmacSecret: settings.HMAC_SECRET ?? dataDir.secret('hmac-secret'),
    previousHmacSecret: settings.HMAC_SECRET_PREVIOUS,
    encryptionKey: settings.ENCRYPTION_KEY ?? dataDir.secret('encryption-key'),
  };
}

function readinessOf(database: OpenedDatabase, redis: RedisLimiter | undefined): ReadinessCheck[] {
  const checks: ReadinessCheck[] = [{ name: 'database', check: () => database.check() }];
  if (redis !== undefined) checks.push({ name: 'redis', check: () => redis.ping() });
  return checks;
}

async function startDemo(
  { DEMO_PORT: port, PRIVATE_TARGETS: privateTargets }: Settings,
  control: ControlPlane,
  log: Logger,
): Promise<Awaited<ReturnType<typeof startEcho>> | undefined> {
  if (privateTargets === 'refuse') {
    log.warn({}, 'PRIVATE_TARGETS refuses the echo service: the demo is left out');
    return undefined;
  }
  try {
    const echo = await startEcho(port);
    await fillQuickstart(control.services, readFileSync(QUICKSTART, 'utf8'), { DEMO_URL: `http://127.0.0.1:${port}` });
    return echo;
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE')) throw cause;
    log.warn({ port }, 'DEMO_PORT is in use: the demo is left out');
    return undefined;
  }
}

const newToken = (): string => randomBytes(24).toString('base64url');
