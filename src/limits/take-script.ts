// The script that decides requests inside Redis: one call for many requests, each of them all checks or none, one after the other, in one
// atomic step. Needs Redis 6.2 or later, or Valkey.
//
// It says in Lua what the algorithms say (fixed-window.ts, sliding-window.ts, token-bucket.ts, concurrency.ts); the suite holds both to
// one definition. Numbers are doubles in both, in the same operations.
//
// Redis has one thread for all nodes of an installation, so what the script costs is what bounds them (`npm run bench:limits` prints it).
// Hence: one list of numbers in and one out, packed, since a number in a reply or an argument of its own costs as much as a check; one
// value for all windows of a subject; each value read and written once, however many requests count on it; no table for a check.

import { createHash } from 'node:crypto';

/** How long a place of concurrency is held without a sign of life from its holder. */
export const LEASE_MS = 15_000;
/** Counters outlive their windows by so long: a server's clock that was set forward may be set back. */
export const GRACE_MS = 3_600_000;

export const OPERATIONS = { take: 1, look: 2, refund: 3, merge: 4, renew: 5, leave: 6 } as const;
export const KINDS = { fixed: 1, sliding: 2, bucket: 3, concurrency: 4 } as const;
/** Where the windows of a subject stand in its value. */
export const PLACES = { minute: 2, hour: 5, day: 8, month: 11, burst: 14 } as const;

/**
 * Of the value of a subject: the minute until which it counts, then count, end and rest of each window. Another form has to have another
 * sign in its keys (redis-checks.ts): nodes of two versions then count apart while an installation is upgraded, and neither misreads.
 */
const VALUE_NUMBERS = 16;
/** No window is longer, nor does a bucket take longer to fill: 31 days, and the hour that some have more. */
const LONGEST_MINUTES = 31 * 24 * 60 + 60;

// KEYS      the values of subjects, and the sorted sets of places, each once
// ARGV      1 the list of numbers; from 2 on the names of places, several with blanks between them
// numbers   all of them whole, 32 bits, the low byte first:
//           minute and millisecond of the time, or twice nothing for the server's clock; how many windows, shapes and requests
//           for each window: its begin, its end, the end of the next one, in minutes
//           for each shape of requests: how many keys and checks; for each check: its kind, the number of its key among the request's,
//             its place in the value, the number of its window, its capacity, and the refill
//           for each request: what to do; the number of its shape; the cost; for take, leave and renew, which argument has the name
//             of the place, or the names; for refund, the minute in which it was counted; for merge, the minute in which its window ends; then
//             the numbers of its keys
// returns   minute and millisecond of the time; then for each request: 1 when admitted, else 0, and the tally of each check: count, end,
//           rest. The time alone when the windows that came with the call are not those of the server's clock.
//
// Places of concurrency are a sorted set: each with the time when its lease ends, and "seen" with the time of the last call. Who holds a
// place renews it three times a lease; so when nobody was seen for longer than a lease, or seen in the future, the clock has been set, or
// nobody is there any more: every place is given one lease more, and who is there will renew it.
export const TAKE_SCRIPT = `
local floor, ceil, max, min, call = math.floor, math.ceil, math.max, math.min, redis.call
local VALUE = '<' .. string.rep('I4', ${VALUE_NUMBERS})
local p = {struct.unpack('<' .. string.rep('I4', #ARGV[1] / 4), ARGV[1])}

local now = p[1] * 60000 + p[2]
if now == 0 then
  local time = call('TIME')
  now = time[1] * 1000 + floor(time[2] / 1000)
end
local out, n = {floor(now / 60000), now % 60000}, 2

local from, to, next, at = {}, {}, {}, 6
for w = 1, p[3] do
  local first, last = p[at], p[at + 1]
  next[w], at = p[at + 2], at + 3
  if now >= last * 60000 then first, last = last, next[w] end
  if now < first * 60000 or now >= last * 60000 then return struct.pack('<I4I4', out[1], out[2]) end
  from[w], to[w] = first, last
end

local shapes = {}
for s = 1, p[4] do
  shapes[s] = at
  at = at + 2 + 6 * p[at + 1]
end

local values = call('MGET', unpack(KEYS))
local loaded, changed, expires = {}, {}, {}

local function load(k)
  local value = values[k]
  local v = value and #value == ${4 * VALUE_NUMBERS} and {struct.unpack(VALUE, value)}
    or {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
  loaded[k] = v
  return v
end

local function keep(k, v, place, count, ends, rest, until_minute)
  v[place], v[place + 1], v[place + 2] = count, ends, rest
  changed[k] = v
  if until_minute > v[1] or v[1] > out[1] + ${2 * LONGEST_MINUTES} then v[1], expires[k] = until_minute, true end
end

local function missing(refill, count, ends, rest)
  return max(0, (ends * 60000 + count - now) * refill + rest)
end

local function full_at(refill, units)
  local ahead = floor(units / refill)
  local full = now + ahead
  local ends = floor(full / 60000)
  return full - ends * 60000, ends, units - ahead * refill
end

local function turn_places(key, op, names)
  if op == ${OPERATIONS.leave} then
    redis.pcall('ZREM', key, names)
    return 0
  end
  local seen = redis.pcall('ZSCORE', key, 'seen')
  if type(seen) == 'table' then call('DEL', key) end
  seen = tonumber(seen) or now
  if now - seen > ${LEASE_MS} or seen - now > 2000 then
    for _, place in ipairs(call('ZRANGE', key, 0, -1)) do call('ZADD', key, now + ${LEASE_MS}, place) end
  end
  call('ZREMRANGEBYSCORE', key, '-inf', now)
  call('ZREM', key, 'seen')
  local count = call('ZCARD', key)
  if op ~= ${OPERATIONS.look} or count > 0 then call('ZADD', key, now, 'seen') end
  if op == ${OPERATIONS.renew} then
    for place in string.gmatch(names, '%S+') do call('ZADD', key, now + ${LEASE_MS}, place) end
  end
  call('PEXPIRE', key, 86400000)
  return count
end

for _ = 1, p[5] do
  local op, shape, cost, extra = p[at], shapes[p[at + 1]], p[at + 2], p[at + 3]
  local keys, last = at + 3, shape + 6 * p[shape + 1]
  local verdict, admitted = n + 1, 1
  n = verdict
  at = at + 4 + p[shape]

  for c = shape + 2, last, 6 do
    local kind, k, place, w, capacity = p[c], p[keys + p[c + 1]], p[c + 2], p[c + 3], p[c + 4]
    local count, ends, rest = 0, 0, 0
    if kind == ${KINDS.concurrency} then
      count, ends = turn_places(KEYS[k], op, ARGV[extra]), out[1] + 1440
      if count >= capacity then admitted = 0 end
    else
      local v = loaded[k] or load(k)
      count, ends, rest = v[place], v[place + 1], v[place + 2]
      local length, room = to[w] - from[w], capacity
      if kind == ${KINDS.bucket} then
        local refill, most = p[c + 5], capacity * length * 60000
        local units = missing(refill, count, ends, rest)
        count, ends, rest = full_at(refill, min(units, most))
        if units > most then keep(k, v, place, count, ends, rest, ends) end
        room = capacity - ceil(min(units, most) / (length * 60000))
      else
        local due = to[w]
        if ends > due then
          if ends ~= next[w] or due * 60000 - now > 2000 then
            ends = due
            keep(k, v, place, count, ends, rest, kind == ${KINDS.sliding} and due + length or due)
          end
        elseif ends < due then
          rest = kind == ${KINDS.sliding} and ends == from[w] and count or 0
          count, ends = 0, due
        end
        room = capacity - count
        if rest > 0 and kind == ${KINDS.sliding} then
          local elapsed = ends == due and now - from[w] * 60000 or 0
          room = room - ceil(rest * (length * 60000 - elapsed) / (length * 60000))
        end
      end
      if room < cost then admitted = 0 end
    end
    out[n + 1], out[n + 2], out[n + 3] = count, ends, rest
    n = n + 3
  end
  out[verdict] = admitted

  if (op == ${OPERATIONS.take} and admitted == 1) or op == ${OPERATIONS.refund} or op == ${OPERATIONS.merge} then
    local o = verdict
    for c = shape + 2, last, 6 do
      local kind, k, place, w = p[c], p[keys + p[c + 1]], p[c + 2], p[c + 3]
      local count, ends, rest = out[o + 1], out[o + 2], out[o + 3]
      local v, length = loaded[k], 0
      if kind == ${KINDS.concurrency} then
        if op == ${OPERATIONS.take} then
          call('ZADD', KEYS[k], now + ${LEASE_MS}, ARGV[extra])
          out[o + 1] = count + 1
        end
      elseif op ~= ${OPERATIONS.refund} or v[1] > 0 then
        if kind == ${KINDS.bucket} then
          local refill, token = p[c + 5], (to[w] - from[w]) * 60000
          local units = missing(refill, count, ends, rest)
          if op == ${OPERATIONS.refund} then units = max(0, units - cost * token) else units = units + cost * token end
          count, ends, rest = full_at(refill, min(units, p[c + 4] * token))
        else
          if kind == ${KINDS.sliding} then length = to[w] - from[w] end
          if op == ${OPERATIONS.take} then
            count = count + cost
          elseif op == ${OPERATIONS.merge} then
            if extra == ends then count = min(count + cost, 4294967295)
            elseif length > 0 and extra == from[w] then rest = min(rest + cost, 4294967295) end
          elseif extra >= from[w] then count = max(0, count - cost)
          elseif length > 0 and extra >= from[w] - length then rest = max(0, rest - cost) end
        end
        keep(k, v, place, count, ends, rest, ends + length)
        out[o + 1], out[o + 2], out[o + 3] = count, ends, rest
      end
      o = o + 3
    end
  end
end

for k, v in pairs(changed) do
  local value = struct.pack(VALUE, unpack(v, 1, ${VALUE_NUMBERS}))
  if expires[k] then call('SET', KEYS[k], value, 'PX', v[1] * 60000 - now + ${GRACE_MS})
  else call('SET', KEYS[k], value, 'KEEPTTL') end
end
return struct.pack('<' .. string.rep('I4', n), unpack(out, 1, n))
`;

/** By which Redis knows the script (EVALSHA). */
export const TAKE_SCRIPT_SHA1 = createHash('sha1').update(TAKE_SCRIPT).digest('hex');
