// A mesh in four steps: at the start; a listener that names other routes; a cluster that names other endpoints; a listener with routes
// that it does not wait long for.
import { ADDRESSES } from '../cases/lib/mesh.mjs'

const TYPE = 'type.googleapis.com/envoy.'
const ADS = { ads: {}, resource_api_version: 'V3' }
// More than a busy machine takes.
const PATIENT = { seconds: 300 }
// Its port: requests name it in Host.
export const PORT = 20000

const cluster = (name, service_name = '') => ({
  '@type': TYPE + 'config.cluster.v3.Cluster', name, type: 'EDS', connect_timeout: { seconds: 1 }, 
  eds_cluster_config: { service_name, eds_config: { ...ADS, initial_fetch_timeout: PATIENT } },
})

const endpoints = (cluster_name, address) => ({
  '@type': TYPE + 'config.endpoint.v3.ClusterLoadAssignment', cluster_name,
  endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address, port_value: 18080 } } } }] }],
})

const routes = (name, to) => ({
  '@type': TYPE + 'config.route.v3.RouteConfiguration', name,
  virtual_hosts: [{ name: 'all', domains: ['*'], routes: [{ match: { prefix: '/' }, route: { cluster: to } }] }],
})

const listener = (route_config_name, initial_fetch_timeout = PATIENT) => ({
  '@type': TYPE + 'config.listener.v3.Listener', name: 'warming',
  address: { socket_address: { address: '0.0.0.0', port_value: PORT } },
  filter_chains: [{
    filters: [{
      name: 'http',
      typed_config: {
        '@type': TYPE + 'extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
        stat_prefix: 'x',
        rds: { route_config_name, config_source: { ...ADS, initial_fetch_timeout } },
        http_filters: [{ name: 'router', typed_config: { '@type': TYPE + 'extensions.filters.http.router.v3.Router' } }],
      },
    }],
  }],
})

const clusters = [cluster('one'), endpoints('one', ADDRESSES[0]), cluster('two'), endpoints('two', ADDRESSES[1])]
const moved = [cluster('one'), endpoints('one', ADDRESSES[0]), cluster('two', 'elsewhere'), endpoints('elsewhere', ADDRESSES[2])]

export const STEPS = [
  { name: 'start', resources: [...clusters, listener('first'), routes('first', 'one')] },
  { name: 'listener', resources: [...clusters, listener('second'), routes('first', 'one'), routes('second', 'two')] },
  { name: 'cluster', resources: [...moved, listener('second'), routes('second', 'two')] },
  { name: 'impatient', resources: [...moved, listener('third', { seconds: 1 }), routes('second', 'two'), routes('third', 'two')] },
]
