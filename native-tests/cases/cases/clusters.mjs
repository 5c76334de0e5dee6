const named = name => ({ send: { path: '/named', headers: name === undefined ? {} : { 'x-to': name } } })
const code = more => ({ cluster_header: 'X-To', ...more })

export default [
  {
    name: 'a request names its cluster',
    clusters: { 'only named by requests': { at: [['127.1.0.3', 18080]] }, 'outbound|80||a.b-c--d_e': { at: [['127.1.0.2', 18080]] } },
    routes: [
      { match: { prefix: '/named' }, route: code() },
      { match: { prefix: '/404' }, route: code({ cluster_not_found_response_code: 'NOT_FOUND' }) },
      { match: { prefix: '/weighted' }, route: { weighted_clusters: { clusters: [{ cluster_header: 'x-to', weight: 1 }] } } },
    ],
    requests: [
      { ...named('one'), want: { seen: { served_by: '127.1.0.1', headers: { 'x-to': 'one' } } } },
      { ...named('only named by requests'), want: { seen: { served_by: '127.1.0.3' } } },
      { ...named('outbound|80||a.b-c--d_e'), want: { seen: { served_by: '127.1.0.2' } } },
      { ...named(['two', 'one']), want: { seen: { served_by: '127.1.0.2' } } },
      { ...named(), want: { status: 503 } },
      { ...named('nobody'), want: { status: 503 } },
      { ...named('none'), want: { status: 503, body: /no healthy upstream/ } },
      { send: { path: '/404', headers: { 'x-to': 'nobody' } }, want: { status: 404 } },
      { send: { path: '/404', headers: { 'x-to': 'none' } }, want: { status: 503 } },
      { send: { path: '/404', headers: { 'x-to': 'two' } }, want: { seen: { served_by: '127.1.0.2' } } },
      { send: { path: '/weighted', headers: { 'x-to': 'two' } }, want: { seen: { served_by: '127.1.0.2' } } },
    ],
  },
]
