// Whether a client may call at all. Pure; both wings ask it.

export type ClientStatus = 'pending' | 'active' | 'suspended' | 'rejected';

export interface ClientStanding {
  readonly status: ClientStatus;
  /** Milliseconds since the epoch; undefined for never. */
  readonly expiresAtMs: number | undefined;
}

/** Why none of the client's keys works now, as a problem code; undefined when they do. */
export function clientRefusal({ status, expiresAtMs }: ClientStanding, nowMs: number) {
  switch (status) {
    case 'pending':
      return 'client_pending';
    case 'suspended':
      return 'client_suspended';
    case 'rejected':
      return 'client_rejected';
    case 'active':
      return expiresAtMs !== undefined && expiresAtMs <= nowMs ? 'client_expired' : undefined;
  }
}
