const seen = (seen_, more = {}) => ({ want: { seen: seen_, ...more } })
const moved = (location, status = 301) => ({ want: { status, headers: { location: typeof location === 'string' ? new RegExp(`^${location}$`) : location } } })

export default [
  {
    name: 'host rewrites: literal, by header, by path',
    routes: [
      { match: { prefix: '/literal' }, route: { cluster: 'one', host_rewrite_literal: 'new.test', append_x_forwarded_host: true } },
      { match: { prefix: '/header' }, route: { cluster: 'one', host_rewrite_header: 'x-host' } },
      { match: { prefix: '/to/' }, route: { cluster: 'one', host_rewrite_path_regex: { pattern: { google_re2: {}, regex: '^/to/([^/?]+).*$' }, substitution: '\\1.test' } } },
    ],
    requests: [
      { send: { path: '/literal' }, ...seen({ host: 'new.test', headers: { 'x-forwarded-host': /^case\d+\.test/ } }) },
      { send: { path: '/header', headers: { 'x-host': 'from.header' } }, ...seen({ host: 'from.header', headers: { 'x-forwarded-host': null } }) },
      { send: { path: '/header' }, ...seen({ host: /^case\d+\.test/ }) },
      { send: { path: '/to/them/x' }, ...seen({ host: 'them.test' }) },
    ],
  },
  {
    name: 'a host for a weighted cluster alone',
    action: { weighted_clusters: { clusters: [{ name: 'one', weight: 1, host_rewrite_literal: 'only.test' }] } },
    requests: [{ ...seen({ host: 'only.test' }) }],
  },
  {
    name: 'the path in every form',
    routes: [
      { match: { prefix: '/old/' }, route: { cluster: 'one', prefix_rewrite: '/new/' } },
      { match: { path_separated_prefix: '/part' }, route: { cluster: 'one', prefix_rewrite: '/whole' } },
      { match: { path: '/exact' }, route: { cluster: 'one', prefix_rewrite: '/other' } },
      { match: { prefix: '/re/' }, route: { cluster: 'one', regex_rewrite: { pattern: { google_re2: {}, regex: '^/re/([^/]+)/(.*)$' }, substitution: '/\\2/\\1' } } },
    ],
    requests: [
      { send: { path: '/old/x?q=/old/' }, ...seen({ path: '/new/x?q=/old/' }) },
      { send: { path: '/part' }, ...seen({ path: '/whole' }) },
      { send: { path: '/part/x' }, ...seen({ path: '/whole/x' }) },
      { send: { path: '/partial' }, want: { status: 404 } },
      { send: { path: '/exact?a' }, ...seen({ path: '/other?a' }) },
      { send: { path: '/re/a/b/c?q' }, ...seen({ path: '/b/c/a?q' }) },
    ],
  },
  {
    name: 'redirects that rewrite',
    routes: [
      { match: { prefix: '/p/' }, redirect: { prefix_rewrite: '/q/', response_code: 'FOUND' } },
      { match: { prefix: '/re/' }, redirect: { regex_rewrite: { pattern: { google_re2: {}, regex: '^/re/(\\d+)$' }, substitution: '/n?id=\\1' } } },
      { match: { prefix: '/strip/' }, redirect: { host_redirect: 'a.test', strip_query: true } },
      { match: { prefix: '/s' }, redirect: { https_redirect: true, port_redirect: 8443, response_code: 'PERMANENT_REDIRECT' } },
    ],
    requests: [
      { send: { path: '/p/x?y=1' }, ...moved('http://case\\d+\\.test:\\d+/q/x\\?y=1', 302) },
      { send: { path: '/re/12' }, ...moved('http://case\\d+\\.test:\\d+/n\\?id=12') },
      { send: { path: '/strip/x?y=1' }, ...moved('http://a\\.test/strip/x') },
      { send: { path: '/s/x?y=1' }, ...moved('https://case\\d+\\.test:8443/s/x\\?y=1', 308) },
    ],
  },
  {
    name: 'a copy of each request',
    action: { request_mirror_policies: [{ cluster: 'two' }] },
    requests: [{ send: { method: 'POST', body: 'words' }, want: { seen: { body: 'words', served_by: '127.1.0.1' } } }],
  },
  {
    name: 'copies that a virtual host asks for',
    virtual_host: { request_mirror_policies: [{ cluster: 'two' }] },
    requests: [{ send: {}, want: { reached_soon: ['127.1.0.1', '127.1.0.2'] } }],
  },
  {
    name: 'copies that the route configuration asks for, and a route that has its own',
    configuration: { request_mirror_policies: [{ cluster: 'two' }] },
    routes: [
      { match: { prefix: '/own' }, route: { cluster: 'one', request_mirror_policies: [{ cluster: 'http3rd' }] } },
      { match: { prefix: '/' }, route: { cluster: 'one' } },
    ],
    clusters: { http3rd: { at: [['127.1.0.3', 18080]] } },
    requests: [
      { send: {}, want: { reached_soon: ['127.1.0.1', '127.1.0.2'] } },
      { send: { path: '/own' }, want: { reached_soon: ['127.1.0.1', '127.1.0.3'] } },
    ],
  },
]
