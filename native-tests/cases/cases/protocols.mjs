// nginx 1.22 of the test gateway takes no HTTP/2 without TLS beside HTTP/1.1.
const NEEDS_H2C = { not_on: ['gateway'] }
const grpc = { 'content-type': 'application/grpc', te: 'trailers' }
const call = (send, want) => ({ send: { proto: 'h2c', method: 'POST', path: '/s.S/M', body: 'x', ...send, headers: { ...grpc, ...send.headers } }, want })
const unary = [
  call({}, { headers: { 'content-type': 'application/grpc' }, trailers: { 'grpc-status': '0', 'x-trailer': 'end' }, seen: { path: '/s.S/M', http: '2', body: 'x', headers: { te: 'trailers' } } }),
]

export default [
  { name: 'HTTP/1.1 to HTTP/2', action: { cluster: 'http2' }, requests: [
    { send: { path: '/a?b=c' }, want: { seen: { path: '/a?b=c', http: '2', method: 'GET', host: /^case\d+\.test$/ } } },
    { send: { method: 'POST', body: 'words' }, want: { seen: { body: 'words', headers: { 'content-length': '5' } } } },
    { send: { method: 'HEAD' }, want: { status: 200, body: '' } },
    { send: { headers: { 'x-answer-status': 404 } }, want: { status: 404, seen: {} } },
    { send: { headers: { 'x-answer-status': 204 } }, want: { status: 204 } },
  ] },
  { name: 'retries towards HTTP/2', action: { cluster: 'http2', retry_policy: { retry_on: '5xx', num_retries: 2, retry_back_off: { base_interval: '0.001s' } } }, requests: [
    { send: { headers: { 'x-answer-status': 503 } }, want: { status: 503, reached: 3, seen: {} } },
    { send: { method: 'POST', body: 'words', headers: { 'x-answer-status': 503 } }, want: { status: 503, reached: 3, seen: { body: 'words' } } },
    { send: { headers: { 'x-answer-reset': 'yes' } }, want: { status: 503 } },
  ] },
  { name: 'a rewritten path towards HTTP/2', action: { cluster: 'http2', prefix_rewrite: '/new' }, requests: [
    { send: { path: '/?q=a%20b' }, want: { seen: { path: '/new?q=a%20b' } } },
  ] },
  { name: 'as the request came', action: { cluster: 'downstream' }, ...NEEDS_H2C, requests: [
    { send: { proto: 'h2c' }, want: { seen: { http: '2' } } },
  ] },
  { name: 'a call', action: { cluster: 'http2' }, ...NEEDS_H2C, requests: unary },
  { name: 'a call that goes on both ways', action: { cluster: 'http2' }, ...NEEDS_H2C, requests: [
    call({ headers: { 'x-answer-echo': 'yes' }, body: ['one', 'two', 'three'] }, { body: 'onetwothree', trailers: { 'grpc-status': '0' } }),
  ] },
  { name: 'the time of a route does not begin while a call goes on', slow: true, action: { cluster: 'http2', timeout: '0.4s' }, ...NEEDS_H2C, requests: [
    call({ headers: { 'x-answer-echo': 'yes' }, body: ['one', 'two', 'three'], pause: 700 }, { body: 'onetwothree', trailers: { 'grpc-status': '0' } }),
    call({ headers: { 'x-answer-after': 3000 } }, { status: 200, headers: { 'grpc-status': '14' }, seconds: [0.3, 2] }),
  ] },
  { name: 'a call whose client has nothing to say for a while', slow: true, action: { cluster: 'http2' }, ...NEEDS_H2C, requests: [
    call({ headers: { 'x-answer-echo': 'yes' }, body: ['one', 'two'], pause: 2500 }, { body: 'onetwo', trailers: { 'grpc-status': '0' } }),
  ] },
  { name: 'a call that ends at once with a status', action: { cluster: 'http2' }, ...NEEDS_H2C, requests: [
    call({ headers: { 'x-answer-headers': '{"grpc-status":"5"}' } }, { headers: { 'grpc-status': '5' } }),
  ] },
  { name: 'calls find another endpoint', action: { cluster: 'http2_half', retry_policy: { retry_on: 'connect-failure,unavailable', num_retries: 30, retry_back_off: { base_interval: '0.001s' } } }, ...NEEDS_H2C, requests: [
    { ...call({}, { status: 200, trailers: { 'grpc-status': '0' } }), times: 6 },
  ] },
  { name: 'a call whose length is known is tried again for its status', action: { cluster: 'http2', retry_policy: { retry_on: 'unavailable', num_retries: 2, retry_back_off: { base_interval: '0.001s' } } }, ...NEEDS_H2C, requests: [
    call({ headers: { 'content-length': '1', 'x-answer-headers': '{"grpc-status":"14"}' } }, { headers: { 'grpc-status': '14' }, reached: 3 }),
    call({ headers: { 'content-length': '1', 'x-answer-headers': '{"grpc-status":"5"}' } }, { headers: { 'grpc-status': '5' }, reached: 1 }),
  ] },
  { name: 'a client with a limit of its own', action: { cluster: 'http2', timeout: '0s', max_grpc_timeout: '0s' }, slow: true, ...NEEDS_H2C, requests: [
    call({ headers: { 'grpc-timeout': '400m', 'x-answer-after': 3000 } }, { status: 200, headers: { 'grpc-status': '14' }, seconds: [0.3, 2] }),
  ] },
  { name: 'the limit of a client is capped', action: { cluster: 'http2', max_stream_duration: { grpc_timeout_header_max: '0.4s' } }, slow: true, ...NEEDS_H2C, requests: [
    call({ headers: { 'grpc-timeout': '9S', 'x-answer-after': 3000 } }, { status: 200, headers: { 'grpc-status': '4' }, seconds: [0.3, 2] }),
  ] },
  { name: 'local answers to calls', ...NEEDS_H2C, routes: [
    { match: { prefix: '/none' }, route: { cluster: 'none' } }, { match: { prefix: '/dead' }, route: { cluster: 'dead' } },
    { match: { prefix: '/no' }, direct_response: { status: 403, body: { inline_string: 'not you' } } },
  ], requests: [
    call({ path: '/none' }, { status: 200, headers: { 'grpc-status': '14', 'content-type': 'application/grpc' } }),
    call({ path: '/dead' }, { status: 200, headers: { 'grpc-status': '14' } }),
    call({ path: '/no' }, { status: 200, headers: { 'grpc-status': '7', 'grpc-message': 'not you' } }),
    call({ path: '/unknown' }, { status: 200, headers: { 'grpc-status': '12' } }),
  ] },
  { name: 'gRPC alone is matched', ...NEEDS_H2C, routes: [
    { match: { prefix: '/', grpc: {} }, route: { cluster: 'http2' } }, { match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: 'rest' } } },
  ], requests: [...unary, { send: { proto: 'h2c' }, want: { body: 'rest' } }] },
  { name: 'WebSocket', requests: [{ send: { upgrade: 'websocket' }, want: { status: 101, body: 'ping' } }] },
  { name: 'WebSocket where the route does not allow it', action: { upgrade_configs: [{ upgrade_type: 'websocket', enabled: false }] }, requests: [
    { send: { upgrade: 'websocket' }, want: { status: 403 } }, { send: {}, want: { status: 200 } },
  ] },
  { name: 'another protocol that the route allows', action: { upgrade_configs: [{ upgrade_type: 'special' }] }, requests: [
    { send: { upgrade: 'special' }, want: { status: 101, body: 'ping' } },
  ] },
  { name: 'another protocol that nobody allows', requests: [{ send: { upgrade: 'special' }, want: { status: 403 } }] },
  { name: 'a listener that allows no upgrade, and a route that does', manager: { upgrade_configs: [] }, routes: [
    { match: { prefix: '/yes' }, route: { cluster: 'one', upgrade_configs: [{ upgrade_type: 'websocket' }] } }, { match: { prefix: '/' }, route: { cluster: 'one' } },
  ], requests: [
    { send: { upgrade: 'websocket' }, want: { status: 403 } }, { send: { upgrade: 'websocket', path: '/yes' }, want: { status: 101, body: 'ping' } },
  ] },
]
