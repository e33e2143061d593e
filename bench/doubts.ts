// What makes measurements doubtful, in words.

import type { Measurement } from './measure.ts';

const MUCH_STOLEN = 0.05;
const MUCH_OTHERS = 0.05;
const BUSY = 0.9;
const LOAD_SPARE = 0.03;
const MUCH_CUT_OFF = 0.05;
const MOST_RECORDED = 0.9;
const MUCH_UNANSWERED = 0.01;
/** Much in a latency that is to be below a millisecond. */
const MUCH_LATE_MS = 0.5;

type Doubted = Pick<
  Measurement,
  'proxyCore' | 'loadCoreIdle' | 'settled' | 'cutOff' | 'pace' | 'recorded' | 'requests'
>;

interface Doubt {
  readonly what: string;
  readonly isMet: (measurement: Doubted) => boolean;
}

const DOUBTS: readonly Doubt[] = [
  {
    what: 'other programs or the hypervisor took more than 5 % of the proxy core',
    isMet: ({ proxyCore }) => proxyCore.others > MUCH_OTHERS || proxyCore.stolen > MUCH_STOLEN,
  },
  {
    what: 'the load was what was slow, not the contestant',
    isMet: ({ proxyCore, loadCoreIdle, pace }) =>
      pace === undefined && proxyCore.contestant < BUSY && loadCoreIdle < LOAD_SPARE,
  },
  {
    what: 'the process was still busy half a minute after the load',
    isMet: ({ settled }) => !settled,
  },
  {
    what: 'so few requests were answered that those cut off at the end matter',
    isMet: ({ cutOff }) => cutOff > MUCH_CUT_OFF,
  },
  {
    what: 'more than a tenth of the records was dropped, so that handing them on costs less than it should',
    isMet: ({ recorded, requests }) => recorded !== undefined && recorded < requests * MOST_RECORDED,
  },
  {
    what: 'the rate could not be held: the times are those of a queue that grows',
    isMet: ({ pace }) => pace !== undefined && pace.unanswered > pace.due * MUCH_UNANSWERED,
  },
  {
    what: 'the open loop itself sent late, half a millisecond or more at p99',
    isMet: ({ pace }) => pace !== undefined && pace.lateP99Ms >= MUCH_LATE_MS,
  },
];

export function toDoubts(all: readonly Doubted[]): string[] {
  return DOUBTS.flatMap(({ what, isMet }) => {
    const count = all.filter(isMet).length;
    return count === 0 ? [] : [`Doubtful: in ${count} of ${all.length} measurements ${what}.`];
  });
}
