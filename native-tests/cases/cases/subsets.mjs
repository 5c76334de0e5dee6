import { ADDRESSES } from '../lib/mesh.mjs'

const [v1, v2, other] = ADDRESSES
const match = lb => ({ metadata_match: { filter_metadata: { 'envoy.lb': lb } } })
const at = [[v1, 18080, { version: 'v1', stage: 'prod' }], [v2, 18080, { version: 'v2', stage: 'prod' }], [other, 18080, { version: 'v2', stage: 'test' }]]
const clusters = {
  by_version: { at, cluster: { lb_subset_config: { subset_selectors: [{ keys: ['version'] }, { keys: ['version', 'stage'] }] } } },
  by_version_or_prod: {
    at,
    cluster: {
      lb_subset_config: {
        fallback_policy: 'DEFAULT_SUBSET', default_subset: { version: 'v1' },
        subset_selectors: [{ keys: ['version'] }, { keys: ['version', 'stage'], fallback_policy: 'KEYS_SUBSET', fallback_keys_subset: ['version'] }],
      },
    },
  },
}
const to = (cluster, lb) => ({ route: { cluster, ...(lb && match(lb)) } })
const served = (path, by) => Array(4).fill({ send: { path }, want: by ? { seen: { served_by: by } } : { status: 503 } })

export default [
  {
    name: 'endpoints by metadata, and what there is for those that nobody has',
    clusters,
    routes: [
      { match: { path: '/v1' }, ...to('by_version', { version: 'v1' }) },
      { match: { path: '/v2-test' }, ...to('by_version', { stage: 'test', version: 'v2' }) },
      { match: { path: '/v3' }, ...to('by_version', { version: 'v3' }) },
      { match: { path: '/stage' }, ...to('by_version', { stage: 'prod' }) },
      { match: { path: '/nothing' }, ...to('by_version') },
      { match: { path: '/default' }, ...to('by_version_or_prod') },
      { match: { path: '/unknown' }, ...to('by_version_or_prod', { version: 'v3' }) },
      { match: { path: '/fewer' }, ...to('by_version_or_prod', { version: 'v1', stage: 'test' }) },
      {
        match: { path: '/weighted' },
        route: {
          weighted_clusters: { clusters: [{ name: 'by_version', weight: 1, ...match({ stage: 'test' }) }] }, ...match({ version: 'v2', stage: 'prod' }),
        },
      },
    ],
    requests: [
      ...served('/v1', v1), ...served('/v2-test', other), ...served('/v3'), ...served('/stage'), ...served('/nothing'),
      ...served('/default', v1), ...served('/unknown', v1), ...served('/fewer', v1), ...served('/weighted', other),
    ],
  },
]
