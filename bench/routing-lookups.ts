// What finding a route costs among few and among many: made ones, and those of a real API. In this process, without sockets.

import FindMyWay from 'find-my-way';
import { createRouter, isMethod, type Route } from '../src/gateway/router.ts';
import { atMost, times, type Figure } from './figures.ts';
import { listGitHubRoutes } from './github-routes.ts';
import { makeGateways } from './routing-gateways.ts';

const ROUNDS = 300;
const REQUESTS = 4096;
const MANY = 10_000;
const FEW = 10;
const GOAL_TIMES = 2;

interface Leaf {
  readonly name: string;
}

type Routes = readonly Route<Leaf>[];

export function measureLookUps(): Figure[] {
  const github = listGitHubRoutes().map(({ method, path }) => ({ method, path, value: { name: path } }));
  // As many as there are endpoints elsewhere: the whole API again and again, each time under another prefix.
  const githubs = Array.from({ length: Math.ceil(MANY / github.length) }, (_, i) =>
    github.map((route) => ({ ...route, path: `/copy${i}${route.path}` })),
  )
    .flat()
    .slice(0, MANY);
  return [
    ...compare('made', toRoutes(FEW / 10), toRoutes(MANY / 10)),
    ...compare('of GitHub’s API', spread(github, FEW), github),
    ...compare('of copies of GitHub’s API', spread(githubs, FEW), githubs),
  ];
}

function compare(whose: string, few: Routes, many: Routes): Figure[] {
  const ofFew = measure(few);
  const ofMany = measure(many);
  return [
    { what: `look-up among ${few.length} endpoints ${whose}`, value: ofFew.text, goal: '' },
    { what: `look-up among ${many.length} endpoints ${whose}`, value: ofMany.text, goal: '' },
    atMost(`the same, ${many.length} beside ${few.length}`, ofMany.ours / ofFew.ours, GOAL_TIMES, times),
  ];
}

/** The mean of a pass over many paths, the best of all passes: what other processes take from the core counts in none of them. */
function measure(routes: Routes): { readonly ours: number; readonly text: string } {
  const router = createRouter(routes);
  const peer = FindMyWay({ caseSensitive: true });
  for (const { method, path } of routes) peer.on(method, path.replaceAll(/\{(\w+)\}/g, ':$1'), () => {});
  const requests = makeRequests(routes);
  const ours = timePasses(() => {
    for (const request of requests) if ('miss' in router.find(request)) throw new Error(request.path);
  });
  const theirs = timePasses(() => {
    for (const { method, path } of requests) if (peer.find(method, path) === null) throw new Error(path);
  });
  return { ours, text: `${ours.toFixed(0)} ns (find-my-way: ${theirs.toFixed(0)} ns)` };
}

function timePasses(pass: () => void): number {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const begin = performance.now();
    pass();
    best = Math.min(best, performance.now() - begin);
  }
  return (best / REQUESTS) * 1e6;
}

const NO_HEADERS: readonly string[] = [];

/** Paths that lead all over the table, as strings that came off a wire: known to no cache of the engine. */
function makeRequests(routes: Routes) {
  return Array.from({ length: REQUESTS }, (_, i) => {
    const route = routes[(i * 7919) % routes.length];
    if (route === undefined) throw new Error('no routes');
    const path = route.path.replaceAll(/\{\w+\}/g, `v${i}`).replace('*', `rest/of/${i}`);
    return { method: route.method, path: Buffer.from(path).toString('latin1'), host: undefined, headers: NO_HEADERS };
  });
}

/** So many of them, from all parts of the list. */
function spread(routes: Routes, count: number): Routes {
  return routes.filter((_, i) => i % Math.floor(routes.length / count) === 0).slice(0, count);
}

function toRoutes(gateways: number): Routes {
  return makeGateways(gateways, 10).flatMap(({ routePrefix, endpoints }) =>
    endpoints.flatMap(({ method, path }) =>
      isMethod(method) ? [{ method, path: routePrefix + path, value: { name: path } }] : [],
    ),
  );
}
