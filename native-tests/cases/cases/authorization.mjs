// Services that say whether requests go on (ext_authz).
import { DENIED, read } from '../lib/authorization.mjs'

const NAME = 'envoy.filters.http.ext_authz'
const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.'
const ROUTER = { name: 'router', typed_config: { '@type': TYPE + 'router.v3.Router' } }
const exact = (...names) => ({ patterns: names.map(name => ({ exact: name })) })

const manager = (filter, ...before) => ({ http_filters: [...before, { name: NAME, typed_config: { '@type': TYPE + 'ext_authz.v3.ExtAuthz', ...filter } }, ROUTER] })
const byHttp = ({ http, ...more } = {}) => manager({
  http_service: {
    server_uri: { uri: 'http://authz/ignored', cluster: 'authz', timeout: '5s' },
    authorization_response: { allowed_upstream_headers: exact('x-saw', 'x-user') }, ...http,
  },
  allowed_headers: exact('x-authz', 'x-shown'), ...more,
})
const byGrpc = (more, ...before) => manager({ grpc_service: { envoy_grpc: { cluster_name: 'authz_grpc', authority: 'authz.test' }, timeout: '5s' }, ...more }, ...before)

const asks = (says, send = {}) => ({ ...send, headers: { ...send.headers, 'x-authz': JSON.stringify(says) } })
const saw = check => text => check(read(text))
const option = (key, value, more) => ({ header: { key, value }, ...more })
const route = (settings, more) => ({ match: { prefix: '/' }, route: { cluster: 'one' }, typed_per_filter_config: { [NAME]: { '@type': TYPE + 'ext_authz.v3.ExtAuthzPerRoute', ...settings } }, ...more })

const cases = [
  {
    name: 'by HTTP: what the service is shown',
    manager: byHttp({ http: { path_prefix: '/check', authorization_request: { headers_to_add: [{ key: 'x-added', value: 'of %REQ(:method)%' }] }, authorization_response: { allowed_upstream_headers: exact('x-saw') } } }),
    requests: [
      {
        send: asks({}, { method: 'POST', path: '/a%20b?c=d', body: 'secret', headers: { authorization: 'Basic x', 'x-shown': '1', cookie: 'a=b', 'content-type': 'text/plain' } }),
        want: {
          seen: {
            body: 'secret', path: '/a%20b?c=d',
            headers: {
              'x-saw': saw(({ method, path, headers, body }) => method === 'POST' && path === '/check/a%20b?c=d' && body === '' && headers['content-length'] === '0'
                && headers.authorization === 'Basic x' && headers['x-shown'] === '1' && headers['x-added'] === 'of POST' && headers.cookie === undefined
                && headers['content-type'] === undefined && /^case\d+\.test/.test(headers.host)),
            },
          },
        },
      },
    ],
  },
  {
    name: 'by HTTP: it lets through',
    manager: byHttp({
      http: {
        authorization_response: {
          allowed_upstream_headers: exact('x-user'), allowed_upstream_headers_to_append: exact('x-roles'), allowed_client_headers_on_success: exact('x-for-client', 'set-cookie'),
        },
      },
    }),
    requests: [
      {
        send: asks({ headers: { 'x-user': 'bob', 'x-roles': 'b', 'x-secret': 's', 'x-for-client': '1', 'set-cookie': ['a=1', 'b=2'], 'x-envoy-auth-headers-to-remove': 'X-Gone, host' } }, { headers: { 'x-user': 'admin', 'x-roles': 'a', 'x-gone': '1' } }),
        want: {
          headers: { 'x-for-client': '1', 'x-secret': null, 'x-from-backend': 'yes' },
          seen: { headers: { 'x-user': 'bob', 'x-roles': value => [value].flat().join() === 'a,b', 'x-secret': null, 'x-gone': null, 'x-envoy-auth-headers-to-remove': null }, host: /^case\d+\.test$/ },
        },
      },
      { send: asks({ headers: { 'x-roles': 'b' } }), want: { seen: { headers: { 'x-roles': null } } } },
    ],
  },
  {
    name: 'by HTTP: it refuses',
    manager: byHttp(),
    requests: [
      {
        send: asks({ status: 401, body: '{"who":"?"}', headers: { 'www-authenticate': 'Basic', 'content-type': 'application/json', 'x-why': 'no', 'set-cookie': ['a=1', 'b=2'] } }),
        want: { status: 401, body: '{"who":"?"}', headers: { 'www-authenticate': 'Basic', 'content-type': 'application/json', 'x-why': 'no', 'x-from-backend': null }, reached: 0 },
      },
      { send: asks({ status: 302, headers: { location: 'https://login/' } }), want: { status: 302, body: '', headers: { location: 'https://login/' }, reached: 0 } },
      { send: asks({ status: 201 }), want: { status: 201, reached: 0 } },
    ],
  },
  {
    name: 'by HTTP: headers of a refusal',
    manager: byHttp({ http: { authorization_response: { allowed_client_headers: exact('x-why') } } }),
    requests: [{
      send: asks({ status: 403, body: 'no', headers: { 'www-authenticate': 'Basic', 'x-why': 'no', 'x-secret': 's' } }),
      want: { status: 403, body: 'no', headers: { 'www-authenticate': 'Basic', 'x-why': 'no', 'x-secret': null } },
    }],
  },
  {
    name: 'no answer refuses',
    manager: byHttp(),
    requests: [{ send: asks({ status: 500 }), want: { status: 403, body: '', reached: 0 } }, { send: asks({ status: 503, headers: { 'x-why': 'x' } }), want: { status: 403, headers: { 'x-why': null } } }],
  },
  {
    name: 'no answer in time refuses, with the status that is asked for',
    manager: byHttp({ http: { server_uri: { uri: 'http://authz', cluster: 'authz', timeout: '0.3s' } }, status_on_error: { code: 504 } }),
    requests: [{ send: asks({ after: 3000 }), want: { status: 504, reached: 0, seconds: [0.2, 2.5] } }],
  },
  {
    name: 'nobody there refuses',
    manager: byHttp({ http: { server_uri: { uri: 'http://authz', cluster: 'dead', timeout: '2s' } } }),
    requests: [{ want: { status: 403, body: '', reached: 0 } }],
  },
  {
    name: 'a cluster that is not there refuses',
    manager: byGrpc({ grpc_service: { envoy_grpc: { cluster_name: 'nowhere' } } }),
    requests: [{ want: { status: 403, body: '', reached: 0 } }],
  },
  {
    name: 'no answer lets through where that is wanted',
    manager: byHttp({ failure_mode_allow: true, failure_mode_allow_header_add: true }),
    requests: [
      { send: asks({ status: 500 }), want: { seen: { headers: { 'x-envoy-auth-failure-mode-allowed': 'true' } } } },
      { send: asks({ status: 403 }), want: { status: 403 } },
    ],
  },
  {
    name: 'by HTTP: the body',
    manager: byHttp({ with_request_body: { max_request_bytes: 10 } }),
    requests: [
      { send: asks({}, { method: 'POST', body: 'short' }), want: { seen: { body: 'short', headers: { 'x-saw': saw(({ body, headers }) => body === 'short' && headers['x-envoy-auth-partial-body'] === 'false') } } } },
      { send: asks({}, { method: 'POST', body: 'far too long' }), want: { status: 413, body: 'Payload Too Large', reached: 0 } },
      { send: asks({}), want: { seen: { headers: { 'x-saw': saw(({ headers }) => headers['x-envoy-auth-partial-body'] === undefined) } } } },
    ],
  },
  {
    name: 'by HTTP: a part of the body',
    manager: byHttp({ with_request_body: { max_request_bytes: 10, allow_partial_message: true } }),
    requests: [{ send: asks({}, { method: 'POST', body: 'far too long' }), want: { seen: { body: 'far too long', headers: { 'x-saw': saw(({ body, headers }) => body === 'far too lo' && headers['x-envoy-auth-partial-body'] === 'true') } } } }],
  },
  {
    name: 'by gRPC: what the service is shown',
    manager: byGrpc({
      disallowed_headers: exact('x-hidden'),
      grpc_service: { envoy_grpc: { cluster_name: 'authz_grpc', authority: 'authz.test' }, timeout: '5s', initial_metadata: [{ key: 'x-added', value: '%REQ(:METHOD)%' }] },
    }),
    requests: [{
      send: asks({}, { method: 'PUT', path: '/a?b=c', body: 'four', headers: { 'x-hidden': '1', 'x-twice': ['1', '2'] } }),
      want: {
        seen: {
          body: 'four',
          headers: {
            'x-saw': saw(({ source, destination, request: { http, time }, authority, sent, ...rest }) => http.method === 'PUT' && http.path === '/a?b=c' && /^case\d+\.test/.test(http.host)
              && http.scheme === 'http' && http.protocol === 'HTTP/1.1' && Number(http.id) > 0 && http.body === undefined && http.headers[':path'] === '/a?b=c' && http.headers['x-twice'] === '1,2'
              && http.headers['x-hidden'] === undefined && http.headers[':authority'] === http.host && http.headers.host === undefined
              && source.address.socket_address.address === '127.0.0.1' && source.address.socket_address.port_value > 0 && destination.address.socket_address.port_value > 0
              && source.principal === undefined && Math.abs(Number(time.seconds) - Date.now() / 1000) < 60 && authority.startsWith('authz.test') && rest.tls_session === undefined && http.headers.connection === undefined && sent['x-added'] === 'PUT'),
          },
        },
      },
    }],
  },
  {
    name: 'by gRPC: it lets through',
    manager: byGrpc(),
    requests: [
      {
        send: asks({
          ok: {
            headers: [option('X-User', 'bob'), option('x-roles', 'b', { append: { value: true } }), option('x-new', 'n', { append: { value: true } })], headers_to_remove: ['X-Gone', ':path', 'host'],
            response_headers_to_add: [option('x-from-backend', 'too'), option('x-only', '1', { append: { value: false } })],
            query_parameters_to_set: [{ key: 'user', value: 'b b' }], query_parameters_to_remove: ['token'],
          },
        }, { path: '/p?token=t&a=%20&user=admin', headers: { 'x-user': 'admin', 'x-roles': 'a', 'x-gone': '1' } }),
        want: {
          headers: { 'x-only': '1', 'x-from-backend': value => [value].flat().join() === 'yes,too' || value === 'yes, too' },
          seen: { path: '/p?a=%20&user=b%20b', headers: { 'x-user': 'bob', 'x-roles': value => [value].flat().join() === 'a,b', 'x-new': null, 'x-gone': null } },
        },
      },
    ],
  },
  {
    name: 'by gRPC: it refuses',
    manager: byGrpc(),
    requests: [
      { send: asks({ code: DENIED }), want: { status: 403, body: '', reached: 0 } },
      {
        send: asks({ code: DENIED, denied: { status: { code: 'TooManyRequests' }, body: 'slow down', headers: [option('retry-after', '3'), option('set-cookie', 'a=1'), option('set-cookie', 'b=2')] } }),
        want: { status: 429, body: 'slow down', headers: { 'retry-after': '3', 'x-saw': null }, reached: 0 },
      },
      { send: asks({ code: DENIED }, { headers: { 'content-type': 'application/grpc' } }), want: { status: 200, headers: { 'grpc-status': '7' }, reached: 0 } },
      { send: asks({ error: 14 }), want: { status: 403, reached: 0 } },
    ],
  },
  {
    name: 'by gRPC: no answer in time',
    manager: byGrpc({ grpc_service: { envoy_grpc: { cluster_name: 'authz_grpc' } } }),
    requests: [{ send: asks({ after: 5000 }), want: { status: 403, reached: 0, seconds: [0.1, 3] } }],
  },
  {
    name: 'by gRPC: the body, raw headers, what routes say',
    manager: byGrpc({ with_request_body: { max_request_bytes: 100, pack_as_bytes: true }, encode_raw_headers: true }),
    routes: [
      route({ disabled: true }, { match: { prefix: '/off' } }),
      route({ check_settings: { context_extensions: { where: 'here' }, disable_request_body_buffering: true } }, { match: { prefix: '/here' } }),
      route({ check_settings: {} }),
    ],
    requests: [
      { send: asks({ code: DENIED }, { path: '/off' }), want: { seen: { headers: { 'x-saw': null } } } },
      {
        send: asks({}, { path: '/here', method: 'POST', body: 'b' }),
        want: { seen: { headers: { 'x-saw': saw(({ context_extensions, request: { http } }) => context_extensions.where === 'here' && http.raw_body === undefined) } } },
      },
      {
        send: asks({}, { method: 'POST', body: '\u00ff\u0000' }),
        want: { seen: { headers: { 'x-saw': saw(({ request: { http } }) => Buffer.from(http.raw_body).equals(Buffer.from('\u00ff\u0000')) && http.headers === undefined && http.header_map.headers.some(one => one.key === ':path')) } } },
      },
    ],
  },
  {
    name: 'metadata decides whether it is asked',
    manager: byGrpc({ filter_enabled_metadata: { filter: 'envoy.filters.http.rbac', path: [{ key: 'ext_shadow_effective_policy_id' }], value: { string_match: { prefix: 'ask' } } } }, {
      name: 'envoy.filters.http.rbac',
      typed_config: {
        '@type': TYPE + 'rbac.v3.RBAC', shadow_rules_stat_prefix: 'ext_',
        shadow_rules: { action: 'DENY', policies: { 'ask-them': { permissions: [{ url_path: { path: { prefix: '/asked' } } }], principals: [{ any: true }] } } },
      },
    }),
    requests: [
      { send: asks({ code: DENIED }, { path: '/asked/1' }), want: { status: 403, reached: 0 } },
      { send: asks({ code: DENIED }, { path: '/open' }), want: { seen: { headers: { 'x-saw': null } } } },
    ],
  },
  {
    name: 'metadata for others, and the route chosen anew',
    manager: {
      http_filters: [
        { name: NAME, typed_config: { '@type': TYPE + 'ext_authz.v3.ExtAuthz', grpc_service: { envoy_grpc: { cluster_name: 'authz_grpc' }, timeout: '5s' }, clear_route_cache: true } },
        {
          name: 'rbac',
          typed_config: {
            '@type': TYPE + 'rbac.v3.RBAC',
            rules: { action: 'DENY', policies: { p: { permissions: [{ any: true }], principals: [{ metadata: { filter: NAME, path: [{ key: 'level' }, { key: 'n' }], value: { double_match: { exact: 2.5 } } } }] } } },
          },
        },
        ROUTER,
      ],
    },
    routes: [{ match: { prefix: '/', headers: [{ name: 'x-user', string_match: { exact: 'bob' } }] }, route: { cluster: 'two' } }, { match: { prefix: '/' }, route: { cluster: 'one' } }],
    requests: [
      { send: asks({ metadata: { level: { structValue: { fields: { n: { numberValue: 2.5 } } } } } }), want: { status: 403, body: 'RBAC: access denied' } },
      { send: asks({ metadata: { level: { structValue: { fields: { n: { numberValue: 2 } } } } } }), want: { seen: { served_by: '127.1.0.1' } } },
      { send: asks({ ok: { headers: [option('x-user', 'bob')] } }), want: { seen: { served_by: '127.1.0.2', headers: { 'x-user': 'bob' } } } },
    ],
  },
  {
    name: 'off for all, which refuses where that is wanted',
    manager: byHttp({ filter_enabled: { default_value: { numerator: 0 } }, deny_at_disable: { default_value: true }, status_on_error: { code: 429 } }),
    requests: [{ want: { status: 429, reached: 0 } }],
  },
  {
    name: 'off for all',
    manager: byHttp({ filter_enabled: { default_value: { numerator: 0 } } }),
    requests: [{ send: asks({ status: 403 }), want: { seen: { headers: { 'x-saw': null } } } }],
  },
  {
    name: 'a service that cannot be asked lets nobody through',
    manager: byGrpc({ grpc_service: { google_grpc: { target_uri: 'x', stat_prefix: 'x' } } }),
    requests: [{ want: { status: 403, reached: 0 } }],
  },
]

export default cases
