-- An open loop of HTTP/1.1 requests. It runs inside wrk, which has LuaJIT in it, and uses nothing else of it:
--
--   wrk --script=open-loop.lua http://127.0.0.1:<port>/ -- \
--     <port> <requests per second> <seconds> <connections> <bytes of an answer's body> <request>
--
-- It prints one line of JSON. A request is sent when it is due, and its time counts from then, not from when it could be sent: a load that waits
-- for answers before it goes on leaves out the very waiting that slow answers cause ("coordinated omission"). Requests are due at random, as from
-- many callers who know nothing of each other (a Poisson process): evenly spaced ones would hardly ever meet. The clock starts when every
-- connection has had an answer: connections are kept, and what it takes to make them is not what is asked.

local ffi = require "ffi"
local bit = require "bit"

ffi.cdef(string.format([[
  typedef struct { long seconds, nanoseconds; } moment;
  typedef struct { uint32_t events; union { int32_t connection; uint64_t all; }; } %s event;
  typedef struct { uint16_t family, port; uint32_t address; uint8_t zero[8]; } address;
  int clock_gettime(int clock, moment *now);
  int prctl(int option, unsigned long value, ...);
  int socket(int domain, int type, int protocol);
  int connect(int socket, const address *to, uint32_t length);
  int setsockopt(int socket, int level, int option, const void *value, uint32_t length);
  int close(int socket);
  ssize_t send(int socket, const char *bytes, size_t length, int flags);
  ssize_t recv(int socket, uint8_t *bytes, size_t length, int flags);
  int epoll_create1(int flags);
  int epoll_ctl(int epoll, int operation, int socket, event *event);
  int epoll_pwait2(int epoll, event *events, int max, const moment *timeout, const void *signals);
]], ffi.arch == "x64" and "__attribute__((packed))" or ""))

local C = ffi.C
local CLOCK_MONOTONIC = 1
local PR_SET_TIMERSLACK = 29
local AF_INET, SOCK_STREAM = 2, 1
local LOOPBACK = 0x0100007f
local IPPROTO_TCP, TCP_NODELAY = 6, 1
local EPOLL_CTL_ADD, EPOLLIN = 1, 1
local MSG_DONTWAIT, MSG_NOSIGNAL = 0x40, 0x4000
local EAGAIN = 11
local CR, LF = 13, 10

local SEED = 1
local READ_BYTES = 65536
-- For what is still under way when nothing more is due.
local GRACE_SECONDS = 2
-- A server that breaks every connection must not keep us busy for ever.
local MAX_LOST = 10000

local port, rate, seconds, connections, body_bytes, request

-- By connection, from 0 on.
local sockets
local due_of -- When the request under way was due, in seconds from the start; negative when none is.
local head_octets, ending, body_left -- What has come of the answer: see read_answer.
local status

-- Rings: connections that are free; and what is due and waits for one, as large as all that can be due.
local free, free_from, free_to = nil, 0, 0
local waiting, waiting_from, waiting_to = nil, 0, 0
local max_due

local started
local next_due, due = 0, 0
local answered, lost, underway = 0, 0, 0
local latencies, latenesses = {}, {}

local epoll, buffer, moment

local function clock()
  C.clock_gettime(CLOCK_MONOTONIC, moment)
  return tonumber(moment.seconds) + tonumber(moment.nanoseconds) * 1e-9
end

local function draw_next_due()
  next_due = next_due - math.log(1 - math.random()) / rate
  if next_due >= seconds or due + 1 >= max_due then next_due = math.huge end
end

local function send(at, due_at)
  due_of[at] = due_at
  underway = underway + 1
  head_octets[at], ending[at], body_left[at], status[at] = 0, 0, -1, 0
  -- What cannot be sent is noticed when nothing can be read any more.
  C.send(sockets[at], request, #request, MSG_DONTWAIT + MSG_NOSIGNAL)
end

local function set_free(at)
  if waiting_from < waiting_to then
    waiting_from = waiting_from + 1
    return send(at, waiting[waiting_from - 1])
  end
  free[free_to % connections] = at
  free_to = free_to + 1
end

local function settle(at, now)
  latencies[#latencies + 1] = now - due_of[at]
  underway = underway - 1
  due_of[at] = -1
end

-- Sends what is due; returns the time.
local function advance()
  local now = clock() - started
  while next_due <= now do
    due = due + 1
    if free_from < free_to then
      latenesses[#latenesses + 1] = now - next_due
      free_from = free_from + 1
      send(free[(free_from - 1) % connections], next_due)
    else
      waiting[waiting_to] = next_due
      waiting_to = waiting_to + 1
    end
    draw_next_due()
  end
  return now
end

local function open(at)
  local socket = C.socket(AF_INET, SOCK_STREAM, 0)
  local to = ffi.new("address")
  to.family, to.address = AF_INET, LOOPBACK
  to.port = bit.bor(bit.lshift(bit.band(port, 0xff), 8), bit.rshift(port, 8))
  if socket < 0 or C.connect(socket, to, ffi.sizeof(to)) ~= 0 then error("no connection to port " .. port) end
  C.setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, ffi.new("int[1]", 1), 4)
  local event = ffi.new("event")
  event.events, event.connection = EPOLLIN, at
  C.epoll_ctl(epoll, EPOLL_CTL_ADD, socket, event)
  sockets[at] = socket
  due_of[at] = -1
end

-- Reads octets of an answer; true when it is complete and good, false when more has to come, nil when it is anything else. The length of a good one
-- is known before; that of a refusal is not.
local function read_answer(at, count)
  local i = 0
  while body_left[at] < 0 do
    if i == count then return false end
    local octet, position, matched = buffer[i], head_octets[at], ending[at]
    i = i + 1
    head_octets[at] = position + 1
    if position >= 9 and position <= 11 then status[at] = status[at] * 10 + octet - 48 end
    -- Of CR LF CR LF, so much has come.
    if octet == (matched % 2 == 0 and CR or LF) then ending[at] = matched + 1
    else ending[at] = octet == CR and 1 or 0 end
    if ending[at] == 4 then body_left[at] = body_bytes end
  end
  body_left[at] = body_left[at] - (count - i)
  if status[at] ~= 200 or body_left[at] < 0 then return nil end
  return body_left[at] == 0
end

-- A connection that broke, or that no more can be read from, counts as an error, and is opened anew.
local function lose(at, now)
  lost = lost + 1
  if lost > MAX_LOST then error("too many connections were broken") end
  local was_free = due_of[at] < 0
  if not was_free then settle(at, now) end
  C.close(sockets[at])
  open(at)
  if not was_free then set_free(at) end
end

local function receive(at)
  local count = tonumber(C.recv(sockets[at], buffer, READ_BYTES, MSG_DONTWAIT))
  if count < 0 and ffi.errno() == EAGAIN then return end
  local complete = nil
  if count > 0 and due_of[at] >= 0 then complete = read_answer(at, count) end
  local now = clock() - started
  if complete == nil then return lose(at, now) end
  if not complete then return end
  answered = answered + 1
  settle(at, now)
  set_free(at)
end

local function wait(events, timeout, left)
  timeout.seconds, timeout.nanoseconds = math.floor(left), (left % 1) * 1e9
  return C.epoll_pwait2(epoll, events, connections, timeout, nil)
end

-- What comes of it is not counted.
local function use_each_once(events, timeout)
  started = clock()
  for at = 0, connections - 1 do send(at, 0) end
  while underway > 0 and lost == 0 and clock() - started < GRACE_SECONDS do
    for i = 0, wait(events, timeout, 0.1) - 1 do receive(events[i].connection) end
  end
  if answered < connections then
    error(string.format("%d of %d connections had no good answer before the clock started", connections - answered, connections))
  end
  latencies, answered = {}, 0
end

local function run()
  local events, timeout = ffi.new("event[?]", connections), ffi.new("moment")
  use_each_once(events, timeout)
  local give_up = seconds + GRACE_SECONDS
  draw_next_due()
  started = clock()
  local now = advance()
  while (next_due < math.huge or underway > 0) and now < give_up do
    local left = math.max(0, math.min(next_due, give_up) - now)
    for i = 0, wait(events, timeout, left) - 1 do
      receive(events[i].connection)
      advance()
    end
    now = advance()
  end
  return now
end

local function percentile_ms(values, part)
  return (values[math.max(1, math.ceil(part * #values))] or 0) * 1000
end

local function report(ended)
  local unanswered = due - answered
  -- What was not answered counts with the time that it has waited.
  for at = 0, connections - 1 do
    if due_of[at] >= 0 then settle(at, ended) end
  end
  for i = waiting_from, waiting_to - 1 do latencies[#latencies + 1] = ended - waiting[i] end
  table.sort(latencies)
  table.sort(latenesses)
  print(string.format(
    '{"seconds":%.3f,"due":%d,"unanswered":%d,"errors":%d,"p50Ms":%.4f,"p99Ms":%.4f,"lateP99Ms":%.4f}',
    math.max(seconds, ended), due, unanswered, lost,
    percentile_ms(latencies, 0.5), percentile_ms(latencies, 0.99), percentile_ms(latenesses, 0.99)
  ))
end

local function prepare(args)
  port, rate, seconds = tonumber(args[1]), tonumber(args[2]), tonumber(args[3])
  connections, body_bytes, request = tonumber(args[4]), tonumber(args[5]), args[6]
  max_due = math.ceil(rate * seconds * 1.2) + 10000
  math.randomseed(SEED)

  moment = ffi.new("moment")
  buffer = ffi.new("uint8_t[?]", READ_BYTES)
  sockets, free = ffi.new("int[?]", connections), ffi.new("int[?]", connections)
  due_of, waiting = ffi.new("double[?]", connections), ffi.new("double[?]", max_due)
  head_octets, ending = ffi.new("int[?]", connections), ffi.new("int[?]", connections)
  body_left, status = ffi.new("int[?]", connections), ffi.new("int[?]", connections)

  epoll = C.epoll_create1(0)
  C.prctl(PR_SET_TIMERSLACK, 1)
  for at = 0, connections - 1 do open(at) end
end

-- wrk calls this before it begins; it never does.
function init(args)
  local done, reason = pcall(function()
    prepare(args)
    report(run())
  end)
  if not done then print(reason) end
  os.exit(done and 0 or 1)
end
