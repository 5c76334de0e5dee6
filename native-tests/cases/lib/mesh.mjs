// The xDS of a list of cases. Each case has a route configuration and a listener of its own, on a port of its own: requests are
// sent to the gateway by its own address, and the port in Host says which listener they are for.
const TYPE = 'type.googleapis.com/'
const HTTP1 = 18080
const HTTP2 = 18090
export const ADDRESSES = ['127.1.0.1', '127.1.0.2', '127.1.0.3']

export const portOf = one => 20000 + one.number
export const hostOf = one => `case${one.number}.test`

const duration = options => options

// name: (suffix of a cluster) -> endpoints and what else the cluster says
const CLUSTERS = {
  one: { at: [[ADDRESSES[0], HTTP1]] },
  two: { at: [[ADDRESSES[1], HTTP1]] },
  three: { at: ADDRESSES.map(address => [address, HTTP1]) },
  none: { at: [] },
  dead: { at: [['127.1.0.9', 18099]] },
  half: { at: [['127.1.0.9', 18099], [ADDRESSES[0], HTTP1]] },
  http2: { at: [[ADDRESSES[0], HTTP2]], explicit_http_config: { http2_protocol_options: {} } },
  http2_three: { at: ADDRESSES.map(address => [address, HTTP2]), explicit_http_config: { http2_protocol_options: {} } },
  http2_half: { at: [['127.1.0.9', 18099], [ADDRESSES[0], HTTP2]], explicit_http_config: { http2_protocol_options: {} } },
  authz: { at: [[ADDRESSES[0], 18060]] },
  authz_grpc: { at: [[ADDRESSES[0], 18061]], explicit_http_config: { http2_protocol_options: {} } },
  downstream: { at: [[ADDRESSES[0], HTTP2]], use_downstream_protocol_config: { http2_protocol_options: {} } },
}

export function cluster(name, { at, cluster: more, ...protocol }) {
  return {
    '@type': TYPE + 'envoy.config.cluster.v3.Cluster',
    name,
    type: 'STATIC',
    connect_timeout: duration('1s'),
    load_assignment: {
      cluster_name: name,
      endpoints: [{
        lb_endpoints: at.map(([address, port_value, lb]) => ({
          endpoint: { address: { socket_address: { address, port_value } } },
          ...(lb && { metadata: { filter_metadata: { 'envoy.lb': lb } } }),
        })),
      }],
    },
    ...(Object.keys(protocol).length > 0 && {
      typed_extension_protocol_options: {
        'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': {
          '@type': TYPE + 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions', ...protocol,
        },
      },
    }),
    ...more,
  }
}

function listener(one) {
  return {
    '@type': TYPE + 'envoy.config.listener.v3.Listener',
    name: hostOf(one),
    address: { socket_address: { address: '0.0.0.0', port_value: portOf(one) } },
    ...one.listener,
    filter_chains: [{
      filters: [...one.network_filters ?? [], {
        name: 'envoy.filters.network.http_connection_manager',
        typed_config: {
          '@type': TYPE + 'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
          stat_prefix: 'x',
          upgrade_configs: [{ upgrade_type: 'websocket' }],
          http_filters: [{ name: 'router', typed_config: { '@type': TYPE + 'envoy.extensions.filters.http.router.v3.Router' } }],
          ...one.manager,
          route_config: routeConfiguration(one),
        },
      }],
    }],
  }
}

// A case says `routes`, or one `action` for all requests (with `route` for what stands beside it), or a whole `virtual_hosts`.
function routeConfiguration(one) {
  const action = { cluster: 'one', ...one.action }
  if (action.weighted_clusters || action.cluster_header) delete action.cluster
  const routes = one.routes ?? [{ match: { prefix: '/' }, ...(one.route?.redirect || one.route?.direct_response ? {} : { route: action }), ...one.route }]
  return {
    name: hostOf(one),
    virtual_hosts: one.virtual_hosts ?? [{ name: 'v', domains: ['*'], routes, ...one.virtual_host }],
    ...one.configuration,
  }
}

export function meshOf(cases) {
  return [...Object.entries(CLUSTERS).map(([name, options]) => cluster(name, options)),
    ...cases.flatMap(one => Object.entries(one.clusters ?? {}).map(([name, options]) => cluster(name, options))),
    ...cases.map(listener)]
}
