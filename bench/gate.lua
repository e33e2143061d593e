-- The peer that does Tollgate's work list in nginx: key, three limit windows, limit headers, request id and log record, written as somebody
-- would who wants it fast. What nginx can do by itself, it does: forwarding, the request id, the log (see nginx-lua.ts). Where there was a
-- choice, the cheaper way was taken; so what it costs is an honest least.
--
-- One worker is measured, but all of this would hold with many: counters live in shared memory.

local ffi = require "ffi"

local floor = math.floor
local concat = table.concat
local ngx = ngx
local counters = ngx.shared.counters

ffi.cdef [[ unsigned char *SHA256(const unsigned char *text, size_t length, unsigned char *digest); ]]
local libcrypto = ffi.C -- nginx itself is linked with it.
local DIGEST_BYTES = 32
local digest = ffi.new("unsigned char[?]", DIGEST_BYTES)

-- Longer than any clock error that shows: a counter must not vanish while its window lasts.
local GRACE_SECONDS = 60

local gate = {}

-- By the SHA-256 of its text, 32 bytes: keys that are known.
local known = {}

local function from_hex(text)
  return (text:gsub("..", function(pair) return string.char(tonumber(pair, 16)) end))
end

-- `keys`: a list of { digest = hexadecimal, id, expires_at = seconds, windows = { { name, seconds, limit }, … } }.
function gate.load(keys)
  for _, key in ipairs(keys) do
    local policies = {}
    for i, window in ipairs(key.windows) do
      window.item = '"key-' .. window.name .. '";r='
      policies[i] = '"key-' .. window.name .. '";q=' .. window.limit .. ";w=" .. window.seconds
    end
    key.policy_field = concat(policies, ", ")
    known[from_hex(key.digest)] = key
  end
end

local function refuse(status, code, detail)
  ngx.status = status
  ngx.header["Content-Type"] = "application/problem+json"
  ngx.print('{"success":false,"status":', status, ',"code":"', code, '","detail":"', detail, '"}')
  return ngx.exit(status)
end

local function find_key()
  local text = ngx.var.http_x_api_key
  if text == nil then return nil end
  libcrypto.SHA256(text, #text, digest)
  local key = known[ffi.string(digest, DIGEST_BYTES)]
  if key == nil or (key.expires_at ~= nil and key.expires_at <= ngx.time()) then return nil end
  return key
end

-- What follows from the time alone is made once a window, not once a request.
local function roll(key, window, now)
  local number = floor(now / window.seconds)
  if number == window.number then return end
  window.number = number
  window.counter = concat({ key.id, window.name, number }, ":")
  window.reset_at = (number + 1) * window.seconds
  window.reset_text = os.date("!%Y-%m-%dT%H:%M:%S.000Z", window.reset_at)
  window.remaining = window.limit
end

local function give_back(windows, last)
  for i = 1, last do counters:incr(windows[i].counter, -1) end
end

-- Counts the request in every window, or in none. Returns the window that refuses, and an error when there is no room to count.
local function take(key, now)
  local windows = key.windows
  for i = 1, #windows do roll(key, windows[i], now) end
  for i = 1, #windows do
    local window = windows[i]
    local used = counters:incr(window.counter, 1, 0, window.seconds + GRACE_SECONDS)
    if used == nil then
      give_back(windows, i - 1)
      return nil, "full"
    end
    if used > window.limit then
      give_back(windows, i)
      window.remaining = 0
      return window
    end
    window.remaining = window.limit - used
  end
end

-- `tightest` is the window that refuses, where one does.
local function write_fields(key, now, tightest)
  local windows = key.windows
  local items = {}
  local least = tightest
  for i = 1, #windows do
    local window = windows[i]
    items[i] = window.item .. window.remaining .. ";t=" .. (window.reset_at - now)
    if tightest == nil and (least == nil or window.remaining <= least.remaining) then least = window end
  end
  local header = ngx.header
  header["X-RateLimit-Limit"] = least.limit
  header["X-RateLimit-Remaining"] = least.remaining
  header["X-RateLimit-Reset"] = least.reset_text
  header["RateLimit-Policy"] = key.policy_field
  header["RateLimit"] = concat(items, ", ")
end

function gate.access()
  local key = find_key()
  if key == nil then
    ngx.header["WWW-Authenticate"] = 'Bearer realm="gate"'
    return refuse(401, "invalid_key", "The key is missing or wrong.")
  end
  ngx.var.key_id = key.id
  local now = ngx.time()
  local refused_by, err = take(key, now)
  if err ~= nil then return refuse(503, "limits_unavailable", "The limits cannot be checked right now.") end
  if refused_by ~= nil then
    write_fields(key, now, refused_by)
    ngx.header["Retry-After"] = refused_by.reset_at - now
    return refuse(429, "rate_limited", "The limit is used up.")
  end
  write_fields(key, now)
end

return gate
