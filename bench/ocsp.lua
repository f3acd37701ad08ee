-- Load for wrk: one request after the other from a file (SCEAU_REQUESTS), each line a method, a target and the body in hexadecimal.
local requests = {}
local at = 0

function init(arguments)
  for line in io.lines(os.getenv("SCEAU_REQUESTS")) do
    local method, target, body = line:match("^(%S+) (%S+) ?(%x*)$")
    if method == "POST" then
      local octets = body:gsub("..", function(digits) return string.char(tonumber(digits, 16)) end)
      requests[#requests + 1] = wrk.format(method, target, { ["Content-Type"] = "application/ocsp-request" }, octets)
    else
      requests[#requests + 1] = wrk.format(method, target)
    end
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end
