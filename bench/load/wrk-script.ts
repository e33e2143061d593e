// What wrk sends other than GET. It makes the request once, before the load begins.

export function toWrkScript(method: 'POST', bodyBytes: number): string {
  return `wrk.method = "${method}"
wrk.headers["Content-Type"] = "application/octet-stream"
wrk.body = string.rep("x", ${bodyBytes})
`;
}
