// Each route answers with its own words.
const route = (match, words) => ({ match: { prefix: '/', ...match }, direct_response: { status: 200, body: { inline_string: words } } })
const header = (name, matcher, words) => route({ headers: [{ name, ...matcher }] }, words)
const says = (headers, words) => ({ send: { headers }, want: { status: words === undefined ? 404 : 200, ...(words !== undefined && { body: words }) } })

export default [
  {
    name: 'header comparisons of older control planes',
    routes: [
      header('x-range', { range_match: { start: '1', end: '5' } }, 'range'),
      header('x-suffix', { suffix_match: '.end' }, 'suffix'),
      header('x-contains', { contains_match: 'mid' }, 'contains'),
      header('x-prefix', { prefix_match: 'pre' }, 'prefix'),
      header('x-exact', { exact_match: 'it' }, 'exact'),
      header('x-regex', { safe_regex_match: { google_re2: {}, regex: 'a|b' } }, 'regex'),
    ],
    requests: [
      says({ 'x-range': '1' }, 'range'), says({ 'x-range': '5' }), says({ 'x-range': 'two' }), says({ 'x-range': '1.5' }),
      says({ 'x-suffix': 'the.end' }, 'suffix'), says({ 'x-suffix': 'the.ending' }),
      says({ 'x-contains': 'amidst' }, 'contains'), says({ 'x-prefix': 'pre1' }, 'prefix'), says({ 'x-exact': 'it' }, 'exact'), says({ 'x-exact': 'It' }),
      says({ 'x-regex': 'b' }, 'regex'), says({ 'x-regex': 'ab' }),
    ],
  },
  {
    name: 'string matchers, with and without case',
    routes: [
      header('x-s', { string_match: { suffix: '.End' } }, 'suffix'),
      header('x-si', { string_match: { suffix: '.End', ignore_case: true } }, 'suffix'),
      header('x-c', { string_match: { contains: 'Mid' } }, 'contains'),
      header('x-ci', { string_match: { contains: 'Mid', ignore_case: true } }, 'contains'),
      header('x-ei', { string_match: { exact: 'All', ignore_case: true } }, 'exact'),
      header('x-pi', { string_match: { prefix: 'Pre', ignore_case: true } }, 'prefix'),
    ],
    requests: [
      says({ 'x-s': 'a.End' }, 'suffix'), says({ 'x-s': 'a.end' }), says({ 'x-si': 'a.eND' }, 'suffix'),
      says({ 'x-c': 'aMidb' }, 'contains'), says({ 'x-c': 'amidb' }), says({ 'x-ci': 'amIdb' }, 'contains'), says({ 'x-ei': 'aLL' }, 'exact'), says({ 'x-pi': 'PREx' }, 'prefix'),
    ],
  },
  {
    name: 'headers that are not there',
    routes: [
      header('x-a', { string_match: { exact: 'no' }, invert_match: true, treat_missing_header_as_empty: true }, 'not no'),
      header('x-b', { string_match: { exact: '' }, treat_missing_header_as_empty: true }, 'empty'),
    ],
    requests: [says({}, 'not no'), says({ 'x-a': 'no' }, 'empty'), says({ 'x-a': 'no', 'x-b': 'x' })],
  },
  {
    name: 'pseudo headers',
    routes: [
      header(':path', { string_match: { exact: '/p?q=1' } }, 'path'),
      header(':method', { string_match: { exact: 'PATCH' } }, 'method'),
      header(':authority', { string_match: { prefix: 'named.' } }, 'authority'),
      header(':scheme', { string_match: { exact: 'https' } }, 'scheme'),
    ],
    requests: [
      { send: { path: '/p?q=1' }, want: { body: 'path' } }, { send: { method: 'PATCH' }, want: { body: 'method' } },
      { send: { host: 'named.test' }, want: { body: 'authority' } }, { send: {}, want: { status: 404 } },
    ],
  },
  {
    name: 'none and all of the requests, and half of them',
    routes: [
      route({ path: '/all', prefix: undefined, runtime_fraction: { default_value: { numerator: 100 } } }, 'all'),
      route({ path: '/none', prefix: undefined, runtime_fraction: { default_value: { numerator: 0 } } }, 'some'),
      route({ path: '/half', prefix: undefined, runtime_fraction: { default_value: { numerator: 500000, denominator: 'MILLION' } } }, 'some'),
      route({}, 'rest'),
    ],
    requests: [
      { send: { path: '/all' }, times: 20, want: { body: 'all' } },
      { send: { path: '/none' }, times: 20, want: { body: 'rest' } },
      { send: { path: '/half' }, times: 40, want: { body: /some|rest/ } },
    ],
  },
  {
    name: 'gRPC alone',
    routes: [route({ grpc: {} }, 'grpc'), route({}, 'rest')],
    requests: [
      says({ 'content-type': 'application/grpcx' }, 'rest'), says({}, 'rest'), says({ 'content-type': 'application/json' }, 'rest'),
    ],
  },
  {
    name: 'query parameters',
    routes: [
      route({ query_parameters: [{ name: 'a', string_match: { suffix: 'Z', ignore_case: true } }] }, 'suffix'),
      route({ query_parameters: [{ name: 'b', present_match: true }] }, 'present'),
    ],
    requests: [
      { send: { path: '/?a=xz' }, want: { body: 'suffix' } }, { send: { path: '/?b' }, want: { body: 'present' } }, { send: { path: '/?c' }, want: { status: 404 } },
    ],
  },
]
