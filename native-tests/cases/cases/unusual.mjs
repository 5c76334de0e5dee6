// Requests and answers as they seldom come: what nginx or Lua would stumble over where Envoy does not.
// nginx 1.22 of the test gateway takes no HTTP/2 without TLS beside HTTP/1.1.
const NEEDS_H2C = { not_on: ['gateway'] }
const large = size => 'l'.repeat(size)
const retried = more => ({ retry_policy: { retry_on: '5xx', num_retries: 2, retry_back_off: { base_interval: '0.001s' } }, ...more })

export default [
  {
    name: 'the time of a route begins when the request is complete',
    slow: true,
    action: { timeout: '0.4s' },
    requests: [{ send: { method: 'POST', body: ['one', 'two'], pause: 900 }, want: { status: 200, seen: { body: 'onetwo' } } }],
  },
  {
    name: 'requests of HTTP/2 that do not say how long they are, where their body is wanted first',
    action: { timeout: '5s', request_mirror_policies: [{ cluster: 'two' }] },
    ...NEEDS_H2C,
    requests: [
      { send: { proto: 'h2c' }, want: { seen: { method: 'GET' }, reached_soon: ['127.1.0.1', '127.1.0.2'] } },
      { send: { proto: 'h2c', method: 'POST', body: 'words' }, want: { seen: { body: 'words' } } },
    ],
  },
  {
    name: 'paths that have a meaning inside nginx',
    requests: ['/@amesh', '/@amesh_http2?x', '/logs/worker_events.sock', '/proxy_mirror'].map(path => ({ send: { path }, want: { seen: { path } } })),
  },
  {
    name: 'a switched connection has no end by the route',
    slow: true,
    action: { timeout: '0.4s' },
    requests: [{ send: { upgrade: 'websocket', pause: 1000 }, want: { status: 101, body: 'ping' } }],
  },
  {
    name: 'an absolute request target',
    routes: [{ match: { path: '/a' }, route: { cluster: 'one' } }, { match: { path: '/' }, route: { cluster: 'one' } }],
    requests: [
      { send: { line: authority => `GET http://${authority}/a?x=1 HTTP/1.1` }, want: { seen: { path: '/a?x=1' } } },
      { send: { line: authority => `GET http://${authority} HTTP/1.1` }, want: { seen: { path: '/' } } },
      { send: { line: authority => `GET http://${authority}?x=1 HTTP/1.1` }, want: { seen: { path: '/?x=1' } } },
    ],
  },
  {
    name: 'escaped characters stay escaped towards HTTP/2',
    manager: { normalize_path: true, merge_slashes: true },
    routes: [
      { match: { prefix: '/old/' }, route: { cluster: 'http2', prefix_rewrite: '/new/' } },
      { match: { prefix: '/' }, route: { cluster: 'http2' } },
    ],
    requests: [
      { send: { path: '/a/%2e%2e%2fb' }, want: { seen: { path: '/a/..%2fb' } } },
      { send: { path: '/a//b%3Fc%26d?q=%2F' }, want: { seen: { path: '/a/b%3Fc%26d?q=%2F' } } },
      { send: { path: '/old/x%2Fy%2520z%3b+%2b' }, want: { seen: { path: '/new/x%2Fy%2520z%3b+%2b' } } },
    ],
  },
  {
    name: 'escaped characters stay escaped towards HTTP/2, in each try',
    action: retried({ cluster: 'http2', prefix_rewrite: '/new' }),
    requests: [{ send: { path: '/x%2Fy', headers: { 'x-answer-status': 503 } }, want: { status: 503, reached: 3, seen: { path: '/newx%2Fy' } } }],
  },
  {
    name: 'large headers',
    requests: [
      { send: { headers: { 'x-own': large(14000) } }, want: { seen: { headers: { 'x-own': large(14000) } } } },
      { send: { headers: { 'x-answer-large': 15000 } }, want: { headers: { 'x-large': large(15000) } } },
      { send: { headers: { 'x-answer-large': 15500, 'x-answer-headers': JSON.stringify({ 'x-more': large(6000), 'x-most': large(1000) }) } }, want: { headers: { 'x-large': large(15500) } } },
    ],
  },
  {
    name: 'large headers from HTTP/2',
    action: { cluster: 'http2' },
    requests: [{ send: { headers: { 'x-answer-large': 40000 } }, want: { headers: { 'x-large': large(40000) } } }],
  },
  {
    name: 'headers that nginx would heed itself are the client\'s',
    routes: [{ match: { prefix: '/2' }, route: { cluster: 'http2' } }, { match: { prefix: '/' }, route: { cluster: 'one' } }],
    requests: ['/', '/2'].flatMap(path => [
      { 'x-accel-redirect': '/elsewhere' }, { 'x-accel-redirect': '@amesh' }, { 'x-accel-buffering': 'no', 'x-accel-expires': '5', 'x-accel-limit-rate': '5', 'x-accel-charset': 'koi8-r', 'x-pad': 'p' },
      { location: 'http://apisix_backend/x', refresh: '5; url=http://apisix_backend/x', 'set-cookie': 'a=b; Domain=apisix_backend; Path=/', expires: '0', 'cache-control': 'no-store', vary: '*' },
    ].map(headers => ({ send: { path, headers: { 'x-answer-headers': JSON.stringify(headers) } }, want: { reached: 1, seen: { path }, headers } }))),
  },
  {
    name: 'as many requests on a connection as Envoy lets through at a time',
    ...NEEDS_H2C,
    action: { cluster: 'one' },
    requests: [{ send: { proto: 'h2c' }, want: { settings: { maxConcurrentStreams: value => value >= 1024 } } }],
  },
  {
    name: 'names with other characters than letters and dashes',
    requests: [{ send: { headers: { 'x.dotted': '1', 'x!#$&*+^`|~': '2', x_y: '3' } }, want: { seen: { headers: { 'x.dotted': '1', 'x!#$&*+^`|~': '2', x_y: '3' } } } }],
  },
  {
    name: 'bodies that do not fit into a buffer, and without a length, in each try',
    action: retried(),
    requests: [
      { send: { method: 'POST', body: large(300000), headers: { 'x-answer-status': 503 } }, want: { status: 503, reached: 3, seen: { body: large(300000) } } },
      { send: { method: 'POST', chunked: true, body: [large(100000), 'b'], pause: 50, headers: { 'x-answer-status': 503 } }, want: { status: 503, reached: 3, seen: { body: large(100000) + 'b' } } },
    ],
  },
  {
    name: 'answers without a body after retries',
    action: retried(),
    requests: [
      { send: { method: 'HEAD', headers: { 'x-answer-status': 503 } }, want: { status: 503, reached: 3, body: '' } },
      { send: { headers: { 'x-answer-status': 204 } }, want: { status: 204, reached: 1, body: '' } },
      { send: { headers: { 'x-answer-status': 304 } }, want: { status: 304, reached: 1, body: '' } },
    ],
  },
  {
    name: 'names with underscores are other names',
    routes: [
      { match: { prefix: '/', headers: [{ name: 'x_name', string_match: { exact: 'it' } }] }, direct_response: { status: 200, body: { inline_string: 'underscore' } } },
      { match: { prefix: '/', headers: [{ name: 'x-name', string_match: { exact: 'it' } }] }, direct_response: { status: 200, body: { inline_string: 'dash' } } },
    ],
    requests: [
      { send: { headers: { 'x-name': 'it' } }, want: { body: 'dash' } },
      { send: { headers: { x_name: 'it' } }, want: { body: 'underscore' } },
    ],
  },
  {
    name: 'hosts in capital letters, with a dot at the end, and addresses',
    virtual_hosts: [
      { name: 'name', domains: ['Name.Test', 'name.test:*'], routes: [{ match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: 'name' } } }] },
      { name: 'address', domains: ['[::1]', '[::1]:*'], routes: [{ match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: 'address' } } }] },
      { name: 'rest', domains: ['*'], routes: [{ match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: 'rest' } } }] },
    ],
    requests: [
      { send: { host: 'NAME.test' }, want: { body: 'name' } },
      { send: { host: '[::1]' }, want: { body: 'address' } },
      { send: { host: 'name.test.' }, want: { body: 'rest' } },
      { send: { host: '127.0.0.1' }, want: { body: 'rest' } },
      { send: { host: 'a_b.test' }, want: { body: 'rest' } },
    ],
  },
  {
    name: 'a client that waits to be told to go on',
    requests: [{ send: { method: 'POST', body: ['words'], headers: { expect: '100-continue' } }, want: { status: 100, body: /^HTTP\/1.1 200 / } }],
  },
]
