// What the table of counters has to know of a counter without knowing its limit: four bits in the word of its window.

import { algorithmOf, type Limit } from '../lib/limit.ts';

const CLASS_BITS = 4;
const CLASS_MASK = 0b1111;

interface CounterClass {
  /** For how many minutes after the end of its window a counter still says something. */
  readonly memoryMinutes: number;
  /** Whether it is saved to the database: what lasts for a day and longer. */
  readonly isSaved: boolean;
  /** What its count is worth when room is needed: as much as was counted, nothing, or more than anything. */
  readonly worth: 'count' | 'nothing' | 'everything';
}

const CLASSES: readonly CounterClass[] = [
  { memoryMinutes: 0, isSaved: false, worth: 'count' }, // fixed, minute and hour
  { memoryMinutes: 0, isSaved: true, worth: 'count' }, // fixed, day and month
  { memoryMinutes: 1, isSaved: false, worth: 'count' }, // sliding, minute
  { memoryMinutes: 60, isSaved: false, worth: 'count' }, // sliding, hour
  { memoryMinutes: 1440, isSaved: true, worth: 'count' }, // sliding, day
  { memoryMinutes: 0, isSaved: false, worth: 'nothing' }, // bucket: full again soon
  { memoryMinutes: 0, isSaved: false, worth: 'everything' }, // concurrency: who is inside must be able to leave
];
const SLIDING = { minute: 2, hour: 3, day: 4, month: 4 } as const;
const FIXED = { minute: 0, hour: 0, day: 1, month: 1 } as const;

export function toClass(limit: Limit): number {
  if (limit.algorithm === 'bucket') return 5;
  if (limit.algorithm === 'concurrency') return 6;
  return (algorithmOf(limit) === 'sliding' ? SLIDING : FIXED)[limit.window];
}

export function toWindowWord(endMinute: number, ofClass: number): number {
  return (endMinute << CLASS_BITS) | ofClass;
}

export function endMinuteOf(windowWord: number): number {
  return windowWord >>> CLASS_BITS;
}

export function isSaved(windowWord: number): boolean {
  return CLASSES[windowWord & CLASS_MASK]?.isSaved ?? false;
}

/** The minute from which a counter says nothing any more. */
export function overAtMinute(windowWord: number): number {
  return endMinuteOf(windowWord) + (CLASSES[windowWord & CLASS_MASK]?.memoryMinutes ?? 0);
}

/** What is lost with a counter: the least goes first. Less than nothing when it says nothing. */
export function worthOf(windowWord: number, count: number, rest: number): number {
  switch (CLASSES[windowWord & CLASS_MASK]?.worth) {
    case 'everything':
      return count === 0 ? -1 : Infinity;
    case 'count':
      // In a window that has just begun, what still weighs is the last one's.
      return count + rest === 0 ? -1 : count + rest;
    case 'nothing':
    case undefined:
      return 0;
  }
}
