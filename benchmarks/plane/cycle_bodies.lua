-- wrk's script: each request carries the next body of a file, one JSON document a line.
-- wrk ... -s cycle_bodies.lua URL -- FILE FIRST [NAME:VALUE ...]
-- The threads begin at places far apart, so that two connections never send the same body at about the same time.

local n_threads = 0

function setup(thread)
  thread:set("place", n_threads * 2503)
  n_threads = n_threads + 1
end

function init(args)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  for index = 3, #args do
    local name, value = args[index]:match("^([^:]+):(.*)$")
    wrk.headers[name] = value
  end
  place = place + tonumber(args[2])
  requests = {}
  for line in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format(nil, nil, nil, line)
  end
end

function request()
  place = place % #requests + 1
  return requests[place]
end

function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    "JSON {\"requests\": %d, \"duration_us\": %d, \"not_2xx\": %d, \"socket_errors\": %d, \"p50_us\": %d, \"p99_us\": %d}\n",
    summary.requests, summary.duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50), latency:percentile(99)))
end
