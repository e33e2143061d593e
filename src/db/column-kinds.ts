// How columns are written, where that is not how they are read. JSON columns are written with toJson() only: the type of what goes in forces it.

import type { ColumnType, RawBuilder } from 'kysely';

export type Json<Value> = ColumnType<Value, RawBuilder<Value>, RawBuilder<Value>>;
export type OptionalJson<Value> = ColumnType<Value | null, RawBuilder<Value> | null, RawBuilder<Value> | null>;
/** Null unless given. */
export type Optional<Value> = ColumnType<Value | null, Value | null | undefined, Value | null>;
/** Filled by the database when a row is made, never given. */
export type Defaulted<Value> = ColumnType<Value, never, Value>;
