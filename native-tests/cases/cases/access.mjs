// Envoy's RBAC filters. What single conditions mean is in ../../lua/tests/access.lua, what Istio makes of them in the verdicts.
const TYPE = 'type.googleapis.com/'
const any = { any: true }
const policy = (permission, principal = any) => ({ permissions: [].concat(permission), principals: [].concat(principal) })
const rules = (action, ...policies) => ({ action, policies: Object.fromEntries(policies.map((one, i) => [`p${i}`, one])) })
const rbac = more => ({ '@type': TYPE + 'envoy.extensions.filters.http.rbac.v3.RBAC', ...more })
const filter = (more, name = 'envoy.filters.http.rbac', beside = {}) => ({ name, typed_config: rbac(more), ...beside })
const network = more => ({
  name: 'envoy.filters.network.rbac',
  typed_config: { '@type': TYPE + 'envoy.extensions.filters.network.rbac.v3.RBAC', stat_prefix: 'x', ...more },
})
const cors = { name: 'envoy.filters.http.cors', typed_config: { '@type': TYPE + 'envoy.extensions.filters.http.cors.v3.Cors' } }
const fault = { name: 'envoy.filters.http.fault', typed_config: { '@type': TYPE + 'envoy.extensions.filters.http.fault.v3.HTTPFault' } }
const router = { name: 'router', typed_config: { '@type': TYPE + 'envoy.extensions.filters.http.router.v3.Router' } }
const manager = (...filters) => ({ http_filters: [...filters, router] })
const path = match => ({ url_path: { path: match } })
const header = (name, exact) => ({ header: { name, string_match: { exact } } })

const denied = { status: 403, body: 'RBAC: access denied', headers: { 'content-type': 'text/plain' }, reached: 0 }
const closed = { status: 'no answer', reached: 0 }
const to = (path, want = {}, more = {}) => ({ send: { path, ...more }, want })
const deny = permission => filter({ rules: rules('DENY', policy(permission)) })
const allow = (permission, principal) => filter({ rules: rules('ALLOW', policy(permission, principal)) })
const perRoute = (more, name = 'envoy.filters.http.rbac') => ({
  typed_per_filter_config: { [name]: { '@type': TYPE + 'envoy.extensions.filters.http.rbac.v3.RBACPerRoute', ...more } },
})
const filterConfig = more => ({ typed_per_filter_config: { 'envoy.filters.http.rbac': { '@type': TYPE + 'envoy.config.route.v3.FilterConfig', ...more } } })

export default [
  { name: 'what one policy of several allows', manager: manager(filter({ rules: rules('ALLOW', policy(path({ prefix: '/a' })), policy(path({ exact: '/b' }))) })), requests: [
    to('/a/x'), to('/b?c=d'), to('/c', denied), to('/b/', denied), to('/c?/a', denied),
  ] },
  { name: 'what one policy denies', manager: manager(deny(path({ suffix: '/secret' }))), requests: [
    to('/secrets'), to('/a/secret', denied), to('/a/secret?x', denied),
  ] },
  { name: 'paths are compared as they are normalised', manager: { ...manager(deny(path({ prefix: '/admin' }))), normalize_path: true, merge_slashes: true, path_with_escaped_slashes_action: 'UNESCAPE_AND_FORWARD' }, requests: [
    to('/admin', denied), to('/x/../admin', denied), to('/%61dmin', denied), to('//admin', denied), to('/x%2F..%2Fadmin', denied), to('/ADMIN'),
  ] },
  { name: 'no rules at all, rules that allow nobody, rules that deny nobody', manager: manager(filter({})), requests: [to('/')] },
  { name: 'rules that allow nobody', manager: manager(filter({ rules: {} })), requests: [to('/', denied)] },
  { name: 'rules that deny nobody', manager: manager(filter({ rules: { action: 'DENY' } })), requests: [to('/')] },
  { name: 'shadow rules and LOG let through', manager: manager(filter({ shadow_rules: rules('DENY', policy(any)) }), filter({ rules: rules('LOG', policy(any)) })), requests: [to('/')] },
  { name: 'sets, and what is not', manager: manager(allow([{ and_rules: { rules: [header(':method', 'GET'), { not_rule: { or_rules: { rules: [path({ prefix: '/a' }), path({ contains: '..' })] } } }] } }])), requests: [
    to('/b'), to('/a', denied), to('/b..', denied), to('/b', denied, { method: 'POST', body: 'x' }),
  ] },
  { name: 'templates of paths', manager: manager(allow([{ uri_template: { name: 'x', typed_config: { '@type': TYPE + 'envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig', path_template: '/a/{x}/**' } } }])), requests: [
    to('/a/b/c/d'), to('/a/b/'), to('/a/b', denied), to('/b/a/c', denied),
  ] },
  { name: 'headers of principals, absent ones too', manager: manager(allow(any, { header: { name: 'x-team', string_match: { exact: 'red' }, invert_match: true } })), requests: [
    to('/', {}, { headers: { 'x-team': 'blue' } }), to('/', denied, { headers: { 'x-team': 'red' } }), to('/', denied),
  ] },
  { name: 'addresses', manager: manager(allow(any, { and_ids: { ids: [{ direct_remote_ip: { address_prefix: '127.0.0.0', prefix_len: 8 } }, { not_id: { remote_ip: { address_prefix: '10.0.0.0', prefix_len: 8 } } }] } })), requests: [
    to('/'), to('/', denied, { headers: { 'x-forwarded-for': '10.1.2.3' } }), to('/', {}, { headers: { 'x-forwarded-for': '10.1.2.3, 1.2.3.4' } }),
  ] },
  { name: 'an edge proxy does not believe x-forwarded-for', manager: { ...manager(deny(any)), http_filters: [filter({ rules: rules('DENY', policy(any, { remote_ip: { address_prefix: '10.0.0.0', prefix_len: 8 } })) }), router], use_remote_address: true }, requests: [
    to('/', {}, { headers: { 'x-forwarded-for': '10.1.2.3' } }),
  ] },
  { name: 'but as many proxies as it trusts', manager: { ...manager(filter({ rules: rules('DENY', policy(any, { remote_ip: { address_prefix: '10.0.0.0', prefix_len: 8 } })) })), use_remote_address: true, xff_num_trusted_hops: 1 }, requests: [
    to('/', denied, { headers: { 'x-forwarded-for': '10.1.2.3' } }), to('/'),
  ] },
  { name: 'before an unmatched route, after no other', manager: manager(deny(path({ prefix: '/no' }))), routes: [{ match: { prefix: '/yes' }, route: { cluster: 'one' } }], requests: [
    to('/yes'), to('/no', denied), to('/other', { status: 404 }),
  ] },
  { name: 'two filters of one name', manager: manager(deny(path({ exact: '/a' })), allow(path({ prefix: '/a' }))), requests: [to('/ab'), to('/a', denied), to('/b', denied)] },
  { name: 'routes have rules of their own', manager: manager(deny(any)), configuration: perRoute({ rbac: { rules: rules('ALLOW', policy(any)) } }), routes: [
    { match: { path: '/off' }, route: { cluster: 'one' }, ...perRoute({}) },
    { match: { path: '/own' }, route: { cluster: 'one' }, ...perRoute({ rbac: { rules: rules('ALLOW', policy(header(':method', 'PUT'))) } }) },
    { match: { path: '/disabled' }, route: { cluster: 'one' }, ...filterConfig({ disabled: true }) },
    { match: { path: '/on' }, route: { cluster: 'one' }, ...filterConfig({}) },
    { match: { path: '/another' }, route: { cluster: 'one' }, ...perRoute({}, 'another') },
    { match: { prefix: '/' }, route: { cluster: 'one' } },
  ], requests: [
    to('/off'), to('/own', denied), to('/own', {}, { method: 'PUT', body: 'x' }), to('/disabled'), to('/on', denied), to('/another'), to('/'),
  ] },
  { name: 'a filter that is off where no route says otherwise', manager: manager(filter({ rules: {} }, 'envoy.filters.http.rbac', { disabled: true })), routes: [
    { match: { path: '/on' }, route: { cluster: 'one' }, ...filterConfig({}) },
    { match: { prefix: '/' }, route: { cluster: 'one' } },
  ], requests: [to('/'), to('/on', denied)] },
  { name: 'preflights are answered before where CORS stands before', manager: manager(cors, deny(any)), route: {
    typed_per_filter_config: { cors: { '@type': TYPE + 'envoy.extensions.filters.http.cors.v3.CorsPolicy', allow_origin_string_match: [{ exact: 'http://a.test' }], allow_methods: 'GET' } },
  }, requests: [
    to('/', { status: 200, headers: { 'access-control-allow-origin': 'http://a.test' }, reached: 0 }, { method: 'OPTIONS', headers: { origin: 'http://a.test', 'access-control-request-method': 'GET' } }),
    to('/', { ...denied, headers: { 'access-control-allow-origin': 'http://a.test' } }, { headers: { origin: 'http://a.test' } }),
  ] },
  { name: 'and refused where it stands after', manager: manager(deny(any), cors), route: {
    typed_per_filter_config: { cors: { '@type': TYPE + 'envoy.extensions.filters.http.cors.v3.CorsPolicy', allow_origin_string_match: [{ exact: 'http://a.test' }], allow_methods: 'GET' } },
  }, requests: [to('/', denied, { method: 'OPTIONS', headers: { origin: 'http://a.test', 'access-control-request-method': 'GET' } })] },
  { name: 'a fault before', manager: manager(fault, deny(any)), route: {
    typed_per_filter_config: { fault: { '@type': TYPE + 'envoy.extensions.filters.http.fault.v3.HTTPFault', abort: { http_status: 418, percentage: { numerator: 100 } } } },
  }, requests: [to('/', { status: 418, reached: 0 })] },
  { name: 'a call that is denied', manager: manager(deny(any)), requests: [
    to('/s.S/M', { status: 200, headers: { 'grpc-status': '7', 'grpc-message': 'RBAC: access denied', 'content-type': 'application/grpc' }, reached: 0 }, { method: 'POST', body: 'x', headers: { 'content-type': 'application/grpc' } }),
  ] },
  { name: 'what cannot be told refuses, where it would decide', manager: manager(filter({ rules: rules('DENY', policy({ and_rules: { rules: [path({ prefix: '/a' }), { matcher: { name: 'x' } }] } })) })), requests: [to('/b'), to('/a', denied)] },
  { name: 'what cannot be told allows nobody', manager: manager(filter({ rules: rules('ALLOW', policy(path({ exact: '/a' })), policy(any, { filter_state: { key: 'x', string_match: { exact: 'y' } } })) })), requests: [to('/a'), to('/b', denied)] },
  { name: 'a filter in a form that is not read', manager: manager({ name: 'x', config_discovery: { config_source: { ads: {} }, type_urls: [TYPE + 'envoy.extensions.filters.http.rbac.v3.RBAC'] } }), requests: [to('/', denied)] },
  { name: 'a matcher', manager: manager(filter({ matcher: {
    matcher_list: { matchers: [{
      predicate: { single_predicate: { input: { name: 'x', typed_config: { '@type': TYPE + 'envoy.type.matcher.v3.HttpRequestHeaderMatchInput', header_name: 'x-a' } }, value_match: { exact: '1' } } },
      on_match: { action: { name: 'x', typed_config: { '@type': TYPE + 'envoy.config.rbac.v3.Action', name: 'yes', action: 'ALLOW' } } },
    }] },
  } })), requests: [to('/', {}, { headers: { 'x-a': '1' } }), to('/', denied, { headers: { 'x-a': '2' } }), to('/', denied)] },
  { name: 'a matcher that asks who the client is, without TLS', manager: manager(filter({ matcher: {
    matcher_list: { matchers: [{
      predicate: { single_predicate: { input: { name: 'x', typed_config: { '@type': TYPE + 'envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput' } }, value_match: { exact: '1' } } },
      on_match: { action: { name: 'x', typed_config: { '@type': TYPE + 'envoy.config.rbac.v3.Action', name: 'no', action: 'DENY' } } },
    }] },
    on_no_match: { action: { name: 'x', typed_config: { '@type': TYPE + 'envoy.config.rbac.v3.Action', name: 'yes', action: 'ALLOW' } } },
  } })), requests: [to('/', denied)] },
  { name: 'nobody is who he is without TLS', manager: manager(allow(any, { authenticated: {} })), requests: [to('/', denied)] },
  { name: 'connections are closed', network_filters: [network({ rules: rules('DENY', policy(any, { direct_remote_ip: { address_prefix: '127.0.0.0', prefix_len: 8 } })) })], requests: [to('/', closed)] },
  { name: 'or not', network_filters: [network({ rules: rules('DENY', policy(any, { direct_remote_ip: { address_prefix: '10.0.0.0', prefix_len: 8 } })) })], requests: [to('/')] },
  { name: 'a connection has no path', network_filters: [network({ rules: rules('ALLOW', policy(path({ prefix: '/' }))) })], requests: [to('/', closed)] },
]
