import { ADDRESSES } from '../lib/mesh.mjs'

const [first, second, third] = ADDRESSES
const FAST = { timeout: '2s', interval: '0.05s', no_traffic_interval: '0.05s', unhealthy_threshold: 2, healthy_threshold: 2 }
const HTTP = { http_health_check: { path: '/health' } }
const hex = text => Buffer.from(text).toString('hex')
const kinds = {
  'health-http': [18080, HTTP],
  'health-grpc': [18090, { grpc_health_check: {} }],
  'health-tcp': [18080, { tcp_health_check: { send: { text: hex('health-tcp') }, receive: [{ text: hex('all') }, { text: hex('well') }] }, timeout: '0.2s' }],
}
const H2 = { explicit_http_config: { http2_protocol_options: {} } }
const checked = (addresses, check, { port = 18080, endpoint, ...more } = {}) => ({
  at: addresses.map(address => [address, port]),
  ...(port === 18090 && H2),
  cluster: { health_checks: [{ ...FAST, ...check }], common_lb_config: { healthy_panic_threshold: { value: 0 } }, ...more },
})
const at = (address, port_value, more) => ({ endpoint: { address: { socket_address: { address, port_value } }, ...more } })
const served = (addresses, health) => ({ health, soon: { served_by: addresses } })

// by TCP another port is asked
const tcp = checked(ADDRESSES, kinds['health-tcp'][1])
tcp.cluster.load_assignment = {
  cluster_name: 'health-tcp',
  endpoints: [{ lb_endpoints: ADDRESSES.map(address => at(address, 18080, { health_check_config: { port_value: 18070 } })) }],
}

export default [
  ...Object.entries(kinds).map(([name, [port, check]]) => ({
    name: `an endpoint turns bad and good again: ${name}`,
    clusters: { [name]: name === 'health-tcp' ? tcp : checked(ADDRESSES, check, { port }) },
    action: { cluster: name },
    requests: [
      served(ADDRESSES),
      served([first, third], [[name, second, 503]]),
      served([third], [[name, first, 503]]),
      { health: [[name, third, 503]], soon: { status: 503 } },
      served([second], [[name, second, 200]]),
      served(ADDRESSES, [[name, first, 200], [name, third, 200]]),
    ],
  })),
  {
    name: 'who does not answer is unhealthy, too',
    clusters: { 'health-reset': checked(ADDRESSES, HTTP) },
    action: { cluster: 'health-reset' },
    requests: [served([first, third], [['health-reset', second, 0]]), served(ADDRESSES, [['health-reset', second, 200]])],
  },
  {
    name: 'other statuses are good where they are expected',
    clusters: { 'health-404': checked(ADDRESSES, { http_health_check: { path: '/health', expected_statuses: [{ start: 404, end: 405 }] } }) },
    action: { cluster: 'health-404' },
    requests: [{ soon: { status: 503 } }, served([second], [['health-404', second, 404]])],
  },
  {
    name: 'with too few healthy ones health does not count',
    clusters: { 'health-panic': checked(ADDRESSES, HTTP, { common_lb_config: {} }) },
    action: { cluster: 'health-panic' },
    requests: [
      served([first, third], [['health-panic', second, 503]]),
      served(ADDRESSES, [['health-panic', first, 503]]),
      served([first, third], [['health-panic', first, 200]]),
    ],
  },
  {
    name: 'the next priority takes over',
    clusters: {
      'health-priorities': checked([], HTTP, {
        load_assignment: {
          cluster_name: 'health-priorities',
          endpoints: [{ lb_endpoints: [at(first, 18080)] }, { priority: 1, lb_endpoints: [at(second, 18080)] }],
        },
      }),
    },
    action: { cluster: 'health-priorities' },
    requests: [
      served([first]), served([second], [['health-priorities', first, 503]]), { health: [['health-priorities', second, 503]], soon: { status: 503 } },
      served([first], [['health-priorities', first, 200]]),
    ],
  },
  {
    name: 'an endpoint that is not to be checked',
    clusters: {
      'health-unchecked': checked([], HTTP, {
        load_assignment: {
          cluster_name: 'health-unchecked',
          endpoints: [{ lb_endpoints: [at(first, 18080), at(second, 18080, { health_check_config: { disable_active_health_check: true } })] }],
        },
      }),
    },
    action: { cluster: 'health-unchecked' },
    requests: [served([first, second]), served([second], [['health-unchecked', first, 503], ['health-unchecked', second, 503]])],
  },
  {
    name: 'checks come more often once there is traffic',
    clusters: { 'health-traffic': checked([first], { ...HTTP, no_traffic_interval: '2s' }) },
    action: { cluster: 'health-traffic' },
    requests: [{ want: {} }, { soon: { checks: { of: 'health-traffic', more: 30 } } }],
  },
]
