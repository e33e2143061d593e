// Lets everybody else on the thread have a turn.

export function nextTurn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}
