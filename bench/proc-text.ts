// What the files under /proc say (proc(5)), as numbers.

export interface TaskStat {
  /** At most 15 characters: the kernel cuts longer names. */
  readonly name: string;
  /** Processor time in user and kernel mode, in clock ticks. */
  readonly ticks: number;
}

/** Of `/proc/<pid>/stat`, the whole process with threads that have ended, and of `/proc/<pid>/task/<tid>/stat`, one thread. */
export function parseTaskStat(text: string): TaskStat {
  const open = text.indexOf('(');
  // A name may hold blanks and parentheses itself; no field after it does.
  const close = text.lastIndexOf(')');
  const fields = text.slice(close + 2).split(' ');
  // Fields 14 and 15, counted from 1; the third is the first after the name.
  const ticks = Number(fields[11]) + Number(fields[12]);
  if (open === -1 || close < open || !Number.isSafeInteger(ticks)) throw new Error(`not a stat line: ${text}`);
  return { name: text.slice(open + 1, close), ticks };
}

export interface CoreTicks {
  readonly busy: number;
  readonly idle: number;
  /** What the hypervisor gave to others. */
  readonly stolen: number;
}

/** One core's line of `/proc/stat`. */
export function parseCoreTicks(text: string, core: number): CoreTicks {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`cpu${core} `));
  const [user, nice, system, idle, iowait, irq, softirq, stolen] = (line ?? '').split(/\s+/).slice(1).map(Number);
  if (stolen === undefined) throw new Error(`/proc/stat does not know a core ${core}`);
  return {
    busy: sum(user, nice, system, irq, softirq),
    idle: sum(idle, iowait),
    stolen,
  };
}

/** The resident memory in `/proc/<pid>/status`, now and at its highest. */
export function parseResidentBytes(text: string): { readonly now: number; readonly peak: number } {
  return { now: toBytes(text, 'VmRSS'), peak: toBytes(text, 'VmHWM') };
}

function toBytes(text: string, field: string): number {
  const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
  if (kibibytes === undefined) throw new Error(`a process status without ${field}`);
  return Number(kibibytes) * 1024;
}

function sum(...values: readonly (number | undefined)[]): number {
  return values.reduce<number>((total, value) => total + (value ?? 0), 0);
}
