const add = (key, value, append_action, more) => ({ header: { key, value }, ...(append_action && { append_action }), ...more })
const seen = (headers, more = {}) => ({ want: { seen: { headers }, ...more } })

export default [
  {
    name: 'append is the default',
    route: { request_headers_to_add: [add('x-a', '2')] },
    requests: [
      { send: { headers: { 'x-a': '1' } }, ...seen({ 'x-a': ['1', '2'] }) },
      { send: {}, ...seen({ 'x-a': '2' }) },
    ],
  },
  {
    name: 'the four append actions',
    route: {
      request_headers_to_add: [
        add('x-append', 'n', 'APPEND_IF_EXISTS_OR_ADD'), add('x-absent', 'n', 'ADD_IF_ABSENT'),
        add('x-or-add', 'n', 'OVERWRITE_IF_EXISTS_OR_ADD'), add('x-exists', 'n', 'OVERWRITE_IF_EXISTS'),
      ],
    },
    requests: [
      {
        send: { headers: { 'x-append': 'o', 'x-absent': 'o', 'x-or-add': 'o', 'x-exists': 'o' } },
        ...seen({ 'x-append': ['o', 'n'], 'x-absent': 'o', 'x-or-add': 'n', 'x-exists': 'n' }),
      },
      { send: {}, ...seen({ 'x-append': 'n', 'x-absent': 'n', 'x-or-add': 'n', 'x-exists': null }) },
    ],
  },
  {
    name: 'append: false of older control planes overwrites',
    route: { request_headers_to_add: [{ header: { key: 'x-a', value: 'new' }, append: false }] },
    requests: [{ send: { headers: { 'x-a': 'old' } }, ...seen({ 'x-a': 'new' }) }],
  },
  {
    name: 'a level removes before it adds',
    route: { request_headers_to_add: [add('x-a', 'new')], request_headers_to_remove: ['x-a', 'x-b'] },
    requests: [{ send: { headers: { 'x-a': 'old', 'x-b': 'old' } }, ...seen({ 'x-a': 'new', 'x-b': null }) }],
  },
  {
    name: 'the least specific level has the last word',
    action: { weighted_clusters: { clusters: [{ name: 'one', weight: 1, request_headers_to_add: [add('x-a', 'cluster', 'OVERWRITE_IF_EXISTS_OR_ADD'), add('x-l', 'cluster')] }] } },
    route: { request_headers_to_add: [add('x-a', 'route', 'OVERWRITE_IF_EXISTS_OR_ADD'), add('x-l', 'route')] },
    virtual_host: { request_headers_to_add: [add('x-a', 'host', 'OVERWRITE_IF_EXISTS_OR_ADD'), add('x-l', 'host')] },
    configuration: { request_headers_to_add: [add('x-a', 'all', 'OVERWRITE_IF_EXISTS_OR_ADD'), add('x-l', 'all')] },
    requests: [{ ...seen({ 'x-a': 'all', 'x-l': ['cluster', 'route', 'host', 'all'] }) }],
  },
  {
    name: 'most_specific_header_mutations_wins turns that round',
    route: { request_headers_to_add: [add('x-a', 'route', 'OVERWRITE_IF_EXISTS_OR_ADD')], response_headers_to_add: [add('x-r', 'route', 'OVERWRITE_IF_EXISTS_OR_ADD')] },
    virtual_host: { request_headers_to_add: [add('x-a', 'host', 'OVERWRITE_IF_EXISTS_OR_ADD')], response_headers_to_add: [add('x-r', 'host', 'OVERWRITE_IF_EXISTS_OR_ADD')] },
    configuration: {
      most_specific_header_mutations_wins: true,
      request_headers_to_add: [add('x-a', 'all', 'OVERWRITE_IF_EXISTS_OR_ADD')], response_headers_to_add: [add('x-r', 'all', 'OVERWRITE_IF_EXISTS_OR_ADD')],
    },
    requests: [{ ...seen({ 'x-a': 'route' }, { headers: { 'x-r': 'route' } }) }],
  },
  {
    name: 'response headers of every level',
    action: { weighted_clusters: { clusters: [{ name: 'one', weight: 1, response_headers_to_add: [add('x-l', 'cluster')], response_headers_to_remove: ['x-gone'] }] } },
    route: { response_headers_to_add: [add('x-l', 'route'), add('x-set', 'n', 'OVERWRITE_IF_EXISTS_OR_ADD'), add('x-absent', 'n', 'ADD_IF_ABSENT')] },
    virtual_host: { response_headers_to_add: [add('x-l', 'host')], response_headers_to_remove: ['x-host-gone'] },
    configuration: { response_headers_to_add: [add('x-l', 'all')], response_headers_to_remove: ['x-all-gone'] },
    requests: [{
      send: { headers: { 'x-answer-headers': '{"x-gone":"1","x-host-gone":"1","x-all-gone":"1","x-set":"o","x-absent":"o"}' } },
      want: { headers: { 'x-l': ['cluster', 'route', 'host', 'all'], 'x-gone': null, 'x-host-gone': null, 'x-all-gone': null, 'x-set': 'n', 'x-absent': 'o' } },
    }],
  },
  {
    name: 'empty values are left out unless they are to be kept',
    route: {
      request_headers_to_add: [add('x-empty', ''), add('x-kept', '', undefined, { keep_empty_value: true }), add('x-none', '%REQ(x-not-there)%'),
        add('x-none-kept', '%REQ(x-not-there)%', undefined, { keep_empty_value: true })],
    },
    requests: [{ ...seen({ 'x-empty': null, 'x-kept': '', 'x-none': null, 'x-none-kept': '' }) }],
  },
  {
    name: 'raw_value',
    route: { request_headers_to_add: [{ header: { key: 'x-a', raw_value: Buffer.from('as it is').toString('base64') } }] },
    requests: [{ ...seen({ 'x-a': 'as it is' }) }],
  },
  {
    name: 'command operators in requests',
    route: {
      name: 'its-name',
      request_headers_to_add: [
        add('x-req', 'a %REQ(x-in)% b'), add('x-or', '%REQ(x-not-there?:method)%'), add('x-cut', '%REQ(x-in):2%'), add('x-percent', '100%%'),
        add('x-protocol', '%PROTOCOL%'), add('x-remote', '%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%'), add('x-remote-port', '%DOWNSTREAM_REMOTE_ADDRESS%'),
        add('x-local', '%DOWNSTREAM_LOCAL_ADDRESS%'), add('x-time', '%START_TIME%'), add('x-year', '%START_TIME(%Y-%m-%d)%'), add('x-path', '%REQ(:path)%'),
        add('x-route', '%ROUTE_NAME%'), add('x-cluster', '%UPSTREAM_CLUSTER%'), add('x-host', '%HOSTNAME%'),
      ],
    },
    requests: [{
      send: { headers: { 'x-in': 'value' }, path: '/p?q=1' },
      ...seen({
        'x-req': 'a value b', 'x-or': 'GET', 'x-cut': 'va', 'x-percent': '100%', 'x-protocol': 'HTTP/1.1', 'x-remote': '127.0.0.1',
        'x-remote-port': /^127\.0\.0\.1:\d+$/, 'x-local': /^127\.0\.0\.1:150(01|80)$/, 'x-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/, 'x-year': /^\d{4}-\d\d-\d\d$/,
        'x-path': '/p?q=1', 'x-route': 'its-name', 'x-cluster': 'one', 'x-host': /./,
      }),
    }],
  },
  {
    name: 'command operators in responses',
    route: {
      response_headers_to_add: [add('x-status', '%RESPONSE_CODE%'), add('x-endpoint', '%UPSTREAM_HOST%'), add('x-resp', '%RESP(x-out)%'), add('x-req', '%REQ(x-in)%'),
        add('x-duration', '%DURATION%')],
    },
    requests: [{
      send: { headers: { 'x-in': 'in', 'x-answer-status': 418, 'x-answer-headers': '{"x-out":"out"}' } },
      want: { status: 418, headers: { 'x-status': '418', 'x-endpoint': '127.1.0.1:18080', 'x-resp': 'out', 'x-req': 'in', 'x-duration': /^\d+$/ } },
    }],
  },
  {
    name: 'headers of a direct response and of a redirect',
    routes: [
      { match: { path: '/direct' }, direct_response: { status: 200, body: { inline_string: 'words' } }, response_headers_to_add: [add('x-a', '%RESPONSE_CODE%')] },
      { match: { prefix: '/' }, redirect: { path_redirect: '/x' }, response_headers_to_add: [add('x-a', 'moved')] },
    ],
    requests: [
      { send: { path: '/direct' }, want: { body: 'words', headers: { 'x-a': '200' } } },
      { send: { path: '/other' }, want: { status: 301, headers: { 'x-a': 'moved' } } },
    ],
  },
  {
    name: 'headers for internal clients are taken away from others',
    configuration: { internal_only_headers: ['x-secret'] },
    requests: [{
      send: { headers: { 'x-envoy-max-retries': '9', 'x-envoy-retry-on': '5xx', 'x-envoy-upstream-rq-timeout-ms': '1', 'x-secret': 'a', 'x-other': 'b' } },
      ...seen({ 'x-envoy-max-retries': null, 'x-envoy-retry-on': null, 'x-envoy-upstream-rq-timeout-ms': null, 'x-secret': null, 'x-other': 'b' }),
    }],
  },
  {
    name: 'hop-by-hop headers end here, te: trailers does not',
    requests: [{ send: { headers: { te: 'trailers, deflate', 'keep-alive': 'timeout=5', 'proxy-connection': 'x' } }, ...seen({ te: 'trailers' }) }],
  },
  {
    name: 'the number of tries is told in both directions',
    virtual_host: { include_request_attempt_count: true, include_attempt_count_in_response: true },
    requests: [{ ...seen({ 'x-envoy-attempt-count': '1' }, { headers: { 'x-envoy-attempt-count': '1' } }) }],
  },
  {
    name: 'what proxies before this one have said stays',
    requests: [
      {
        send: { headers: { 'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'h', 'x-forwarded-port': '1', forwarded: 'for=1.2.3.4' } },
        ...seen({ 'x-forwarded-for': '1.2.3.4', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'h', 'x-forwarded-port': '1', forwarded: 'for=1.2.3.4', 'x-real-ip': null }),
      },
      { ...seen({ 'x-forwarded-for': null, 'x-forwarded-proto': 'http', 'x-forwarded-host': null, 'x-forwarded-port': null, forwarded: null, 'x-real-ip': null }) },
    ],
  },
  {
    name: 'request ids are made where there is none',
    manager: { always_set_request_id_in_response: true },
    requests: [
      { ...seen({ 'x-request-id': /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/ }, { headers: { 'x-request-id': /./ } }) },
      { send: { headers: { 'x-request-id': 'mine' } }, ...seen({ 'x-request-id': 'mine' }, { headers: { 'x-request-id': 'mine' } }) },
    ],
  },
  {
    name: 'request ids from outside are made anew',
    manager: { use_remote_address: true },
    requests: [{ send: { headers: { 'x-request-id': 'mine' } }, ...seen({ 'x-request-id': id => id !== 'mine' }) }],
  },
  {
    name: 'what proxies within tell each other is believed from nobody outside',
    manager: { use_remote_address: true },
    requests: [{
      send: { headers: { 'x-envoy-original-path': '/admin', 'x-envoy-decorator-operation': 'a', 'x-envoy-downstream-service-cluster': 'b' } },
      ...seen({ 'x-envoy-original-path': null, 'x-envoy-decorator-operation': null, 'x-envoy-downstream-service-cluster': null }),
    }],
  },
  {
    name: 'and is passed on by those within',
    requests: [{ send: { headers: { 'x-envoy-original-path': '/before' } }, ...seen({ 'x-envoy-original-path': '/before' }) }],
  },
  {
    name: 'request ids from outside are kept',
    manager: { use_remote_address: true, preserve_external_request_id: true },
    requests: [{ send: { headers: { 'x-request-id': 'mine' } }, ...seen({ 'x-request-id': 'mine' }) }],
  },
  { name: 'no request ids', manager: { generate_request_id: false }, requests: [{ ...seen({ 'x-request-id': null }) }] },
  {
    name: 'internal clients may say how often and how long',
    manager: { internal_address_config: { cidr_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] } },
    requests: [
      { send: { headers: { 'x-forwarded-for': '10.1.2.3', 'x-envoy-retry-on': '5xx', 'x-envoy-max-retries': '2', 'x-answer-status': 503 } }, want: { status: 503, reached: 3 } },
      { send: { headers: { 'x-forwarded-for': '11.1.2.3', 'x-envoy-retry-on': '5xx', 'x-envoy-max-retries': '2', 'x-answer-status': 503 } }, want: { status: 503, reached: 1 } },
      { send: { headers: { 'x-forwarded-for': '10.1.2.3', 'x-envoy-upstream-rq-timeout-ms': '300', 'x-answer-after': 1500 } }, want: { status: 504 } },
    ],
  },
]
