const policy = (retry_on, more) => ({ retry_policy: { retry_on, num_retries: 2, retry_back_off: { base_interval: '0.001s' }, ...more } })
const answer = (status, more) => ({ 'x-answer-status': status, ...more })
const tries = (headers, status, reached, more) => ({ send: { headers }, want: { status, reached, ...more } })

export default [
  {
    name: 'any set of statuses, and what is not in it with its body',
    action: policy('retriable-status-codes', { retriable_status_codes: [500, 404, 418] }),
    requests: [
      tries(answer(500), 500, 3), tries(answer(404), 404, 3), tries(answer(418), 418, 3, { seen: { served_by: '127.1.0.1' } }),
      tries(answer(503), 503, 1, { seen: { served_by: '127.1.0.1' } }), tries(answer(400), 400, 1, { seen: {} }), tries({}, 200, 1),
    ],
  },
  {
    name: 'headers of the answer',
    action: policy('retriable-headers', { retriable_headers: [{ name: 'x-again', string_match: { prefix: 'y' } }, { name: 'x-too', present_match: true }] }),
    requests: [
      tries({ 'x-answer-headers': '{"x-again":"yes"}' }, 200, 3, { seen: {} }), tries({ 'x-answer-headers': '{"x-again":"no"}' }, 200, 1),
      tries({ 'x-answer-headers': '{"x-too":""}' }, 200, 3), tries(answer(503), 503, 1),
    ],
  },
  {
    name: 'only requests that may be',
    action: policy('5xx', { retriable_request_headers: [{ name: ':method', string_match: { exact: 'GET' } }] }),
    requests: [tries(answer(503), 503, 3), { send: { method: 'POST', headers: answer(503), body: 'x' }, want: { status: 503, reached: 1 } }],
  },
  {
    name: 'an upstream that limits its clients',
    action: policy('5xx'),
    requests: [tries(answer(503, { 'x-answer-headers': '{"x-envoy-ratelimited":"true"}' }), 503, 1)],
  },
  {
    name: 'an upstream that limits its clients, where that is to be tried again',
    action: policy('5xx,envoy-ratelimited'),
    requests: [tries(answer(503, { 'x-answer-headers': '{"x-envoy-ratelimited":"true"}' }), 503, 3)],
  },
  {
    name: 'a wait that the answer asks for',
    slow: true,
    action: policy('5xx', { num_retries: 1, rate_limited_retry_back_off: { reset_headers: [{ name: 'Retry-After', format: 'SECONDS' }], max_interval: '30s' } }),
    requests: [
      tries(answer(503, { 'x-answer-headers': '{"retry-after":"1"}' }), 503, 2, { seconds: [1, 2.5] }),
      tries(answer(503, { 'x-answer-headers': '{"retry-after":"60"}' }), 503, 2, { seconds: [0, 0.9] }),
    ],
  },
  {
    name: 'connections that fail',
    action: { cluster: 'dead', ...policy('connect-failure', { retry_back_off: { base_interval: '0.2s', max_interval: '0.2s' } }) },
    requests: [{ want: { status: 503, body: /connection failure/ } }],
  },
  {
    name: 'connections that fail are tried elsewhere',
    action: { cluster: 'half', ...policy('connect-failure', { num_retries: 30, retry_back_off: { base_interval: '0.001s' } }) },
    requests: [{ times: 10, want: { status: 200 } }],
  },
  {
    name: 'previous hosts are passed over',
    action: {
      cluster: 'three',
      ...policy('5xx', { retry_host_predicate: [{ name: 'x', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate' } }], host_selection_retry_max_attempts: 50 }),
    },
    requests: [{ times: 5, ...tries(answer(503), 503, hosts => new Set(hosts).size === 3) }],
  },
  {
    name: 'a connection that breaks',
    action: policy('reset'),
    requests: [tries({ 'x-answer-reset': 'yes' }, 503, 3)],
  },
  {
    name: 'a try that is too slow, and one without a byte for too long',
    action: policy('gateway-error', { per_try_timeout: '0.2s' }),
    requests: [tries({ 'x-answer-after': 2000 }, 504, 3)],
  },
  {
    name: 'a try without a byte for too long',
    action: policy('gateway-error', { per_try_idle_timeout: '0.2s' }),
    requests: [tries({ 'x-answer-after': 2000 }, 504, 3)],
  },
  {
    name: 'a policy of the virtual host',
    virtual_host: { retry_policy: { retry_on: '5xx', num_retries: 1, retry_back_off: { base_interval: '0.001s' } } },
    requests: [tries(answer(500), 500, 2)],
  },
]
