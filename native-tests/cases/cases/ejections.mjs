import { ADDRESSES } from '../lib/mesh.mjs'

const [first, second] = ADDRESSES
const at = address => ({ endpoint: { address: { socket_address: { address, port_value: 18080 } } } })
const bad = address => ({ 'x-answer-status': 503, 'x-answer-only': address })
const outliers = base_ejection_time => ({ consecutive_5xx: 2, interval: '1s', base_ejection_time, max_ejection_percent: 100 })
const NO_PANIC = { healthy_panic_threshold: { value: 0 } }

export default [
  {
    name: 'the next priority takes over from endpoints that are ejected, until they come back',
    clusters: {
      'ejected-priorities': {
        at: [],
        cluster: {
          outlier_detection: outliers('3s'), common_lb_config: NO_PANIC,
          load_assignment: { cluster_name: 'ejected-priorities', endpoints: [{ lb_endpoints: [at(first)] }, { priority: 1, lb_endpoints: [at(second)] }] },
        },
      },
    },
    action: { cluster: 'ejected-priorities' },
    requests: [
      { soon: { served_by: [first] } },
      { times: 2, send: { headers: bad(first) }, want: { status: 503, reached: [first] } },
      { soon: { served_by: [second] } },
      { soon: { served_by: [first] } },
    ],
  },
  {
    name: 'a good health check ends an ejection',
    clusters: {
      'ejected-checked': {
        at: [[first, 18080], [second, 18080]],
        cluster: {
          outlier_detection: outliers('3600s'), common_lb_config: NO_PANIC,
          health_checks: [{ timeout: '2s', interval: '0.5s', no_traffic_interval: '0.5s', http_health_check: { path: '/health' }, unhealthy_threshold: 1, healthy_threshold: 1 }],
        },
      },
    },
    action: { cluster: 'ejected-checked' },
    requests: [
      { soon: { served_by: [first, second] } },
      { times: 8, send: { headers: bad(first) }, want: { status: status => [200, 503].includes(status) } },
      { soon: { served_by: [first, second] } },
    ],
  },
]
