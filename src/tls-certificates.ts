// The certificates of the TLS port, from the settings, and their way to the gateway threads when they change.

import type { Logger } from 'pino';
import { CertificateFolder, watchCertificates, type CertificateWatch } from './certificate-folder.ts';
import { SettingsError, type Settings } from './config.ts';
import type { Supervisor } from './gateway/supervision.ts';
import { systemClock } from './lib/clock.ts';

/** Undefined without a TLS port; throws a SettingsError for settings that do not fit together. */
export function openCertificates(settings: Settings, log: Logger): CertificateFolder | undefined {
  const { TLS_PORT: port, TLS_CERTIFICATES: folder } = settings;
  if (port === 0 && folder === undefined) return undefined;
  if (folder === undefined)
    throw new SettingsError(['TLS_PORT: needs TLS_CERTIFICATES, the folder with pairs <name>.crt and <name>.key']);
  if (port > 0 && port === settings.PORT)
    throw new SettingsError([`TLS_PORT: ${port} is PORT already; choose another one`]);
  if (port === 0) throw new SettingsError(['TLS_CERTIFICATES: needs TLS_PORT, such as TOLLGATE_TLS_PORT=8443']);
  return new CertificateFolder({ folder, log, nowMs: () => systemClock.nowMs() });
}

/** Looks at the folder and tells every thread what is new in it. */
export function showNewCertificates(folder: CertificateFolder, supervisor: Supervisor, log: Logger): CertificateWatch {
  return watchCertificates(folder, () => {
    supervisor
      .setCertificates(folder.certificates)
      .catch((cause: unknown) => log.error({ reason: String(cause) }, 'new TLS certificates could not be passed on'));
  });
}
