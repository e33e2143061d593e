// Metrics as text, in the form that Prometheus reads (text format 0.0.4): https://prometheus.io/docs/instrumenting/exposition_formats/

export const EXPOSITION_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** A metric with its samples. Its name ends with the unit, and that of a counter with `_total`. */
export interface Family {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  readonly samples: readonly Sample[];
}

/** No two samples of a family have the same labels, suffix included: whoever reads it would refuse all of it. */
export interface Sample {
  /** Of a histogram: which of its parts. */
  readonly suffix?: '_bucket' | '_sum' | '_count';
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export function toExposition(families: readonly Family[]): string {
  return families.map(toLines).join('');
}

function toLines({ name, type, help, samples }: Family): string {
  let text = `# HELP ${name} ${help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n# TYPE ${name} ${type}\n`;
  for (const { suffix = '', labels, value } of samples)
    text += `${name}${suffix}${toLabels(labels)} ${toNumber(value)}\n`;
  return text;
}

function toLabels(labels: Sample['labels']): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

/** Names that people give may hold anything; nearly none holds what has to be escaped. */
function escape(value: string): string {
  return /[\\"\n]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value;
}

function toNumber(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
