// The isolation boundary as an argument: the second one of every store function.

export interface TenantScope {
  readonly tenantId: string;
  /** The scope of a client's own key: of clients and keys it sees this one and its keys. */
  readonly clientId?: string;
}
