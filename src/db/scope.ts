// The isolation boundary as an argument: the second one of every store function.

export interface TenantScope {
  readonly tenantId: string;
}
