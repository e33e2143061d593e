// Tries whether a connection to a target can be made, and lets it go.

import type { Target } from '../plan.ts';
import type { OpenSocket } from './open-socket.ts';

const PATIENCE_MS = 5000;

/** Tells once whether it could. */
export type Reach = (target: Target, done: (isReached: boolean) => void) => void;

export const createReach =
  (openSocket: OpenSocket): Reach =>
  (target, done) => {
    const socket = openSocket(target, () => {});
    let isTold = false;
    const tell = (isReached: boolean): void => {
      if (isTold) return;
      isTold = true;
      socket.destroy();
      done(isReached);
    };
    socket.setTimeout(PATIENCE_MS, () => tell(false));
    socket.once(target.origin.startsWith('https:') ? 'secureConnect' : 'connect', () => tell(true));
    socket.once('error', () => tell(false));
    socket.once('close', () => tell(false));
    socket.unref();
  };
