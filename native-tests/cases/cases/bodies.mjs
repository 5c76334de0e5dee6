// Bodies of requests that come slowly, never end or are broken off. `lockstep` proves that they go on while they come: the client sends a
// piece only when the endpoint has had the one before it.

// nginx 1.22 of the test gateway takes no HTTP/2 without TLS beside HTTP/1.1.
const NEEDS_H2C = { not_on: ['gateway'] }
const large = length => 'abcdefgh'.repeat(length / 8)
const policy = (retry_on, more) => ({ retry_policy: { retry_on, num_retries: 2, retry_back_off: { base_interval: '0.001s' }, ...more } })
const istio = policy('connect-failure,refused-stream,unavailable,cancelled,retriable-status-codes', { retriable_status_codes: [503] })
const post = (send, want) => ({ send: { method: 'POST', lockstep: true, ...send }, want })
const pieces = ['one ', 'two ', 'three']
const body = pieces.join('')

// every client to every kind of endpoint
const everywhere = (name, action, requests, slow) => [
  { name: `${name}: HTTP/1.1`, slow, action, requests },
  { name: `${name}: HTTP/1.1 to HTTP/2`, slow, action: { ...action, cluster: 'http2' }, requests },
  { name: `${name}: HTTP/2`, slow, action, ...NEEDS_H2C, requests: requests.map(one => ({ ...one, send: { ...one.send, proto: 'h2c' } })) },
  { name: `${name}: HTTP/2 to HTTP/2`, slow, action: { ...action, cluster: 'http2' }, ...NEEDS_H2C, requests: requests.map(one => ({ ...one, send: { ...one.send, proto: 'h2c' } })) },
]

export default [
  ...everywhere('a body of unknown length goes on while it comes', {}, [post({ chunked: true, body: pieces }, { seen: { body }, reached: 1 })]),
  ...everywhere('also where there may be further tries', istio, [post({ chunked: true, body: pieces }, { seen: { body }, reached: 1 })]),
  ...everywhere('a body that never ends, and a client that goes away', istio, [
    post({ chunked: true, body: pieces, abort: true }, { status: 'no answer', arrival: 'aborted', reached: 1 }),
  ]),
  ...everywhere('an answer before the body has ended', {}, [
    post({ chunked: true, body: ['one'], endless: true, headers: { 'x-answer-early': 'yes', 'x-answer-status': 413 } }, { status: 413, body: 'no more of it' }),
    { send: {}, times: 3, want: { status: 200, seen: {} } },
  ]),
  {
    name: 'a body of known length goes on while it comes, with and without further tries',
    routes: [{ match: { prefix: '/once' }, route: { cluster: 'one' } }, { match: { prefix: '/' }, route: { cluster: 'one', ...istio } }],
    requests: ['/once', '/more'].flatMap(path => [
      post({ path, body: pieces }, { seen: { body, headers: { 'content-length': String(body.length) } } }),
      post({ path, body: pieces, length: 100, abort: true }, { status: 'no answer', arrival: 'aborted' }),
      post({ path, body: ['one'], length: 100, headers: { 'x-answer-early': 'yes', 'x-answer-status': 401 } }, { status: 401, body: 'no more of it' }),
    ]),
  },
  {
    name: 'a body that went on while it came is sent again',
    action: policy('5xx'),
    requests: [
      post({ chunked: true, body: pieces, headers: { 'x-answer-status': 503 } }, { status: 503, reached: 3, seen: { body } }),
      post({ body: pieces, headers: { 'x-answer-status': 503 } }, { status: 503, reached: 3, seen: { body } }),
      post({ chunked: true, body: [large(300000), large(300000), 'end'], headers: { 'x-answer-status': 503 } }, { status: 503, reached: 3, seen: { body: large(600000) + 'end' } }),
      post({ chunked: true, body: pieces, headers: { 'x-answer-status': 503, 'x-answer-only': '127.1.0.2' } }, { status: 200, reached: 1, seen: { body } }),
      post({ chunked: true, body: pieces, headers: { 'x-answer-reset': 'yes' } }, { status: 503, reached: 3 }),
    ],
  },
  {
    name: 'a body that went on while it came is sent again to HTTP/2',
    action: { cluster: 'http2', ...policy('5xx') },
    requests: [
      post({ chunked: true, body: pieces, headers: { 'x-answer-status': 503 } }, { status: 503, reached: 3, seen: { body } }),
      post({ body: pieces, headers: { 'x-answer-status': 503 } }, { status: 503, reached: 3, seen: { body } }),
      post({ chunked: true, body: pieces, headers: { 'x-answer-reset': 'yes' } }, { status: 503 }),
    ],
  },
  {
    name: 'what is too long to be kept is sent once',
    action: policy('5xx'),
    requests: [
      post({ lockstep: false, body: large(1600000), headers: { 'x-answer-status': 503 } }, { status: 503, reached: 1, seen: { body: large(1600000) } }),
      post({ chunked: true, body: Array(8).fill(large(200000)), headers: { 'x-answer-status': 503 } }, { status: 503, reached: 1, seen: { body: large(1600000) } }),
    ],
  },
  {
    name: 'how much the mesh allows to be kept',
    listener: { per_connection_buffer_limit_bytes: 1000 },
    virtual_host: { per_request_buffer_limit_bytes: 100 },
    routes: [
      { match: { prefix: '/more' }, per_request_buffer_limit_bytes: 5000, route: { cluster: 'one', ...policy('5xx') } }, { match: { prefix: '/' }, route: { cluster: 'one', ...policy('5xx') } },
    ],
    requests: [['/', 96, 3], ['/', 112, 1], ['/more', 112, 3], ['/more', 1600, 1]].flatMap(([path, length, tries]) => [false, true].map(chunked => (
      post({ path, chunked, body: [large(length / 2), large(length / 2)], headers: { 'x-answer-status': 503 } }, { status: 503, reached: tries })))),
  },
  {
    name: 'calls that end at once are tried again',
    action: { cluster: 'http2', ...istio },
    ...NEEDS_H2C,
    requests: [
      { send: { proto: 'h2c', method: 'POST', path: '/s.S/M', body: 'x', headers: { 'content-type': 'application/grpc', te: 'trailers', 'x-answer-headers': '{"grpc-status":"14"}' } },
        want: { headers: { 'grpc-status': '14' }, reached: 3 } },
    ],
  },
  {
    name: 'a client that waits for 100 Continue',
    routes: [{ match: { prefix: '/once' }, route: { cluster: 'one' } }, { match: { prefix: '/' }, route: { cluster: 'one', ...istio } }],
    requests: ['/once', '/more'].flatMap(path => [
      post({ path, expect: true, chunked: true, body: pieces }, { seen: { body, headers: { expect: undefined } } }),
      post({ path, expect: true, body: pieces }, { seen: { body } }),
    ]),
  },
  ...everywhere('the time of a route begins with the end of the request', { timeout: '2s' }, [
    post({ chunked: true, body: pieces, pause: 2500 }, { seen: { body } }),
    post({ chunked: true, body: ['one', 'two'], pause: 2500, headers: { 'x-answer-after': 60000 } }, { status: 504, seconds: [4.4, 20] }),
    post({ chunked: true, body: ['one', 'two'], pause: 2500, headers: { 'x-answer-half': 'yes' } }, { status: 200, cut: true, seconds: [4.4, 20] }),
  ], true),
  {
    name: 'the time of a try, after a body that went on while it came',
    slow: true,
    action: policy('5xx', { per_try_timeout: '2s' }),
    requests: [
      post({ chunked: true, body: ['one', 'two'], pause: 2500, headers: { 'x-answer-status': 503, 'x-answer-after': 500 } }, { status: 503, reached: 3, seen: {} }),
      post({ chunked: true, body: ['one', 'two'], pause: 2500, headers: { 'x-answer-after': 60000 } }, { status: 504, reached: 3, seconds: [8.4, 24] }),
    ],
  },
  {
    name: 'copies of bodies that come slowly, and of none that are too long',
    action: { request_mirror_policies: [{ cluster: 'two' }], ...policy('5xx') },
    requests: [
      post({ lockstep: false, chunked: true, body: ['one'] }, { seen: { body: 'one' }, reached_soon: ['127.1.0.1', '127.1.0.2'], copied: 'one'.length }),
      post({ chunked: true, body: pieces }, { seen: { body }, reached_soon: ['127.1.0.1', '127.1.0.2'], copied: body.length }),
      post({ body: pieces }, { seen: { body }, reached_soon: ['127.1.0.1', '127.1.0.2'], copied: body.length }),
      post({ chunked: true, body: pieces, headers: { 'x-answer-status': 503, 'x-answer-only': '127.1.0.1' } },
        { status: 503, reached_soon: ['127.1.0.1', '127.1.0.1', '127.1.0.1', '127.1.0.2'], copied: body.length }),
      post({ lockstep: false, body: large(1600000) }, { seen: { body: large(1600000) }, reached: ['127.1.0.1'] }),
    ],
  },
  ...['one', 'http2'].map(cluster => ({
    name: `a body that somebody else wants first, to ${cluster}`,
    action: { cluster, request_mirror_policies: [{ cluster: 'two' }], ...policy('5xx') },
    requests: [[true, ['one ', 'two']], [false, ['one ', 'two']], [true, [large(300000), 'two']]].map(([chunked, parts]) => (
      post({ lockstep: false, chunked, body: parts, pause: 100, headers: { 'x-read-first': 'yes', 'x-answer-status': 503, 'x-answer-only': '127.1.0.1' } },
        { status: 503, reached_soon: ['127.1.0.1', '127.1.0.1', '127.1.0.1', '127.1.0.2'], seen: { body: parts.join('') } }))),
  })),
  {
    name: 'an answer that goes on while the body comes',
    requests: [post({ chunked: true, body: pieces, headers: { 'x-answer-echo': 'yes' } }, { status: 200, body })],
  },
]
