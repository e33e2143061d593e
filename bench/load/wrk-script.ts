// What wrk sends other than one GET again and again. It makes a request once, before the load begins, unless it is told to count.

export function toWrkScript(method: 'POST', bodyBytes: number): string {
  return `wrk.method = "${method}"
wrk.headers["Content-Type"] = "application/octet-stream"
wrk.body = string.rep("x", ${bodyBytes})
`;
}

/** A field that counts, put into the text of the one request that wrk would send. */
export const VARYING_SCRIPT = `local head, tail, count = "", "", 0
function init()
  wrk.headers["X-Count"] = "@"
  head, tail = wrk.format():match("^(.*X%-Count: )@(.*)$")
end
function request()
  count = count + 1
  return head .. count .. tail
end
`;
