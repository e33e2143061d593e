// The script that decides a request inside Redis: all checks in one atomic step. Needs Redis 6.2 or later (SET … PXAT), or Valkey.

import { createHash } from 'node:crypto';

// A counter is the text `<end of its window>:<used>`, so that one left over from another window counts for nothing, even in the moment
// between a window's end and the key's expiry. The time is the server's: nodes whose clocks differ share one window.
//
// KEYS     a counter for every check
// ARGV     the cost, or 0 to look only; then for every check its window's length in milliseconds and its limit
// returns  1 when admitted, else 0; the time in milliseconds since the epoch; then for every check what is used now
export const TAKE_SCRIPT = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local cost = tonumber(ARGV[1])
local counters = redis.call('MGET', unpack(KEYS))
local ends, used, admitted = {}, {}, 1
for i = 1, #KEYS do
  local length = tonumber(ARGV[2 * i])
  ends[i] = now - now % length + length
  local stored_end, stored_used = string.match(counters[i] or '', '^(%d+):(%d+)$')
  used[i] = tonumber(stored_end) == ends[i] and tonumber(stored_used) or 0
  if used[i] + cost > tonumber(ARGV[2 * i + 1]) then admitted = 0 end
end
if admitted == 1 and cost > 0 then
  for i = 1, #KEYS do
    used[i] = used[i] + cost
    local window_end = string.format('%.0f', ends[i])
    redis.call('SET', KEYS[i], window_end .. ':' .. string.format('%.0f', used[i]), 'PXAT', window_end)
  end
end
return {admitted, now, unpack(used)}
`;

/** By which Redis knows the script (EVALSHA). */
export const TAKE_SCRIPT_SHA1 = createHash('sha1').update(TAKE_SCRIPT).digest('hex');
