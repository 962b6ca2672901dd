-- What wrk sends and reports for bench/serve.py: `wrk ... -s wrk.lua URL -- [bytes of a POST body]`.

function init(arguments)
   if arguments[1] then
      wrk.method = "POST"
      wrk.body = string.rep("x", tonumber(arguments[1]))
   end
end

function done(summary, latency)
   local errors = summary.errors
   local wrong = errors.connect + errors.read + errors.write + errors.status + errors.timeout
   -- Requests, microseconds of the run, latencies in microseconds, responses that were none.
   io.write(string.format(
      "figures %d %d %.1f %.1f %.1f %d\n",
      summary.requests, summary.duration,
      latency:percentile(50), latency:percentile(99), latency:percentile(99.9), wrong
   ))
end
