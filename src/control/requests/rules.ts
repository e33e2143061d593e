// What holds for filters of the request log beyond their schema. Pure.

/** An inclusive range of statuses. */
export interface StatusRange {
  readonly from: number;
  readonly to: number;
}

/** `401,5xx` → 401 … 401 and 500 … 599. */
export function toStatusRanges(list: string): StatusRange[] {
  return list.split(',').map((entry) => {
    const from = Number(entry.replace(/xx$/i, '00'));
    return { from, to: /xx$/i.test(entry) ? from + 99 : from };
  });
}
