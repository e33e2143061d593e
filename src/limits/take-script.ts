// The script that decides a request inside Redis: all checks in one atomic step. Needs Redis 6.2 or later, or Valkey.
//
// It says in Lua what the algorithms say (fixed-window.ts, sliding-window.ts, token-bucket.ts, concurrency.ts); the suite holds both to
// one definition. Numbers are doubles in both, in the same operations.

import { createHash } from 'node:crypto';

/** How long a place of concurrency is held without a sign of life from its holder. */
export const LEASE_MS = 15_000;
/** Counters outlive their windows by so long: a server's clock that was set forward may be set back. */
export const GRACE_MS = 3_600_000;

/** The first number of a reply when the windows that came with the call are not those of the server's clock. */
export const OTHER_TIME = -1;

// KEYS      a counter for each check
// ARGV      1 what to do: take, look, refund, merge, renew; 2 the cost; 3 the time, or nothing for the server's clock;
//           4 take: the name of the place to hold; refund: when it was counted; merge: the minute in which its window ends;
//             renew: the names of the places, with blanks between them
//           5… for each check: its kind (f, s, b, c), capacity, the window's begin, its end, the end of the next one, and the refill
// returns   1 when admitted, else 0; the time in milliseconds since the epoch; then the tally of each check: count, end, rest
//
// A counter is the text "count end rest". Places of concurrency are a sorted set: each with the time when its lease ends, and "seen"
// with the time of the last call. Who holds a place renews it three times a lease; so when nobody was seen for longer than a lease, or
// seen in the future, the clock has been set, or nobody is there any more: every place is given one lease more, and who is there will
// renew it.
export const TAKE_SCRIPT = `
local op, cost, extra = ARGV[1], tonumber(ARGV[2]), ARGV[4]
local now = tonumber(ARGV[3])
if not now then
  local time = redis.call('TIME')
  now = time[1] * 1000 + math.floor(time[2] / 1000)
end

local function parse(text)
  local kind, capacity, from, to, next, refill = string.match(text, '^(%a) (%d+) (%d+) (%d+) (%d+) (%d+)$')
  local c = {kind = kind, capacity = tonumber(capacity), from = tonumber(from), to = tonumber(to), next = tonumber(next),
    refill = tonumber(refill), count = 0, ends = 0, rest = 0, own = cost}
  if (kind == 'f' or kind == 's') and now >= c.to then c.from, c.to = c.to, c.next end
  c.length = c.to - c.from
  return c
end

local function turn_window(c)
  local ends = c.to / 60000
  if c.ends == ends then return end
  if c.ends > ends then
    if c.ends * 60000 == c.next and c.to - now <= 2000 then return end
    c.ends, c.moved = ends, true
    return
  end
  c.rest = (c.kind == 's' and c.ends == c.from / 60000) and c.count or 0
  c.count, c.ends = 0, ends
end

local function set_missing(c, units)
  local ahead = math.floor(units / c.refill)
  local full = now + ahead
  c.units = units
  c.ends = math.floor(full / 60000)
  c.count = full - c.ends * 60000
  c.rest = units - ahead * c.refill
end

local function turn_bucket(c)
  local units = math.max(0, (c.ends * 60000 + c.count - now) * c.refill + c.rest)
  local most = c.capacity * c.length
  c.moved = units > most
  set_missing(c, math.min(units, most))
end

local function turn_places(c, key)
  local seen = tonumber(redis.call('ZSCORE', key, 'seen') or now)
  c.own = 1
  if now - seen > ${LEASE_MS} or seen - now > 2000 then
    for _, place in ipairs(redis.call('ZRANGE', key, 0, -1)) do redis.call('ZADD', key, now + ${LEASE_MS}, place) end
  end
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  redis.call('ZREM', key, 'seen')
  c.count = redis.call('ZCARD', key)
  if op ~= 'look' or c.count > 0 then redis.call('ZADD', key, now, 'seen') end
  if op == 'renew' then
    for place in string.gmatch(extra, '%S+') do redis.call('ZADD', key, now + ${LEASE_MS}, place) end
  end
  redis.call('PEXPIRE', key, 86400000)
  c.ends = math.floor(now / 60000) + 1440
end

local function room(c)
  if c.kind == 's' then
    local elapsed = c.ends * 60000 == c.to and now - c.from or 0
    return c.capacity - c.count - math.ceil(c.rest * (c.length - elapsed) / c.length)
  end
  if c.kind == 'b' then return c.capacity - math.ceil(c.units / c.length) end
  return c.capacity - c.count
end

local function add(c, key)
  if c.kind == 'b' then return set_missing(c, c.units + cost * c.length) end
  c.count = c.count + c.own
  if c.kind == 'c' then redis.call('ZADD', key, now + ${LEASE_MS}, extra) end
end

local function give_back(c)
  local at = tonumber(extra)
  if c.kind == 'b' then return set_missing(c, math.max(0, c.units - cost * c.length)) end
  if at >= c.from then c.count = math.max(0, c.count - cost)
  elseif c.kind == 's' and at >= c.from - c.length then c.rest = math.max(0, c.rest - cost) end
end

local function merge(c)
  local ends = tonumber(extra)
  if c.kind == 'b' then return set_missing(c, math.min(c.units + cost * c.length, c.capacity * c.length)) end
  if ends == c.ends then c.count = c.count + cost
  elseif c.kind == 's' and ends == c.from / 60000 then c.rest = c.rest + cost end
end

local function keep(c, key)
  local left = c.ends * 60000 - now + (c.kind == 's' and c.length or 0) + ${GRACE_MS}
  redis.call('SET', key, string.format('%.0f %.0f %.0f', c.count, c.ends, c.rest), 'PX', string.format('%.0f', left))
end

local checks, admitted = {}, 1
for i = 1, #KEYS do
  local c = parse(ARGV[4 + i])
  if (c.kind == 'f' or c.kind == 's') and (now < c.from or now >= c.to) then return {${OTHER_TIME}, now} end
  checks[i] = c
end
local values = redis.call('MGET', unpack(KEYS))
for i, c in ipairs(checks) do
  if c.kind == 'c' then turn_places(c, KEYS[i])
  else
    local count, ends, rest = string.match(values[i] or '', '^(%d+) (%d+) (%d+)$')
    if count then c.count, c.ends, c.rest = tonumber(count), tonumber(ends), tonumber(rest) end
    if c.kind == 'b' then turn_bucket(c) else turn_window(c) end
  end
  if room(c) < c.own then admitted = 0 end
end
local reply = {admitted, now}
for i, c in ipairs(checks) do
  local changes = c.moved
  if op == 'take' and admitted == 1 then add(c, KEYS[i]) changes = true
  elseif op == 'refund' and values[i] then give_back(c) changes = true
  elseif op == 'merge' then merge(c) changes = true end
  if changes and c.kind ~= 'c' then keep(c, KEYS[i]) end
  reply[#reply + 1], reply[#reply + 2], reply[#reply + 3] = c.count, c.ends, c.rest
end
return reply
`;

/** By which Redis knows the script (EVALSHA). */
export const TAKE_SCRIPT_SHA1 = createHash('sha1').update(TAKE_SCRIPT).digest('hex');
