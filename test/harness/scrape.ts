// A scrape as a monitoring system sees it: read by a parser that is not ours.

import parse from 'parse-prometheus-text-format';

export interface ScrapedSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface Scrape {
  readonly families: readonly { readonly name: string; readonly type: string; readonly help: string }[];
  /** Those of histograms, too, each by the name on its line. */
  readonly samples: readonly ScrapedSample[];
  /** Of the one series that has these labels among its own; throws when there is none, or several. */
  readonly value: (name: string, labels: ScrapedSample['labels']) => number;
  /** Of all series that have these labels among their own. */
  readonly sum: (name: string, labels: ScrapedSample['labels']) => number;
}

export function readScrape(text: string): Scrape {
  const families = parse(text);
  // It folds the parts of a histogram into one, labels and all: without their type they stay what they are.
  const loose = parse(text.replaceAll(/^# TYPE (\S+) histogram$/gm, '# TYPE $1 untyped'));
  const samples = loose.flatMap(({ name, metrics }) =>
    metrics.map(({ value = '', labels = {} }) => {
      if (!/^(?:[-+]?[\d.]+(?:e[-+]?\d+)?|[-+]Inf|NaN)$/.test(value))
        throw new Error(`${name} has the value "${value}"`);
      return { name, labels, value: Number(value.replace('Inf', 'Infinity')) };
    }),
  );
  const matching = (name: string, labels: ScrapedSample['labels']): ScrapedSample[] =>
    samples.filter(
      (one) => one.name === name && Object.entries(labels).every(([label, value]) => one.labels[label] === value),
    );
  return {
    families: families.filter(({ type }) => type !== 'UNTYPED'),
    samples,
    value(name, labels) {
      const [found, ...more] = matching(name, labels);
      if (found === undefined || more.length > 0)
        throw new Error(`${more.length + Number(found !== undefined)} series of ${name} ${JSON.stringify(labels)}`);
      return found.value;
    },
    sum: (name, labels) => matching(name, labels).reduce((sum, { value }) => sum + value, 0),
  };
}
