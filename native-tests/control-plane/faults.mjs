// What the control plane does wrong on request. Faults stay until "none".
import { makeResource } from './recording.mjs';

export const KINDS = {
  none: 'end all faults',
  garbage: 'one resource (&type=, &name=, default the first cluster) has bytes that are no message',
  'unknown-type': 'one resource more has a type URL that nobody knows (&type=)',
  'unknown-response': 'a response of a type that nobody asked for',
  'nonce-reuse': 'responses repeat the nonce of the one before',
  unimplemented: 'streams end with UNIMPLEMENTED (&protocol=delta|sotw, default delta)',
  unavailable: 'streams end with UNAVAILABLE (&protocol=delta|sotw, default both)',
  slow: 'every response waits (&ms=, default 500)',
  silent: 'requests are taken and not answered (&type=, default all types)',
  'half-message': 'at once: half a message, then the end of the connection',
};

export class Faults {
  #overlays = [];
  slowMs = 0;
  #silent = new Set();
  nonceReuse = false;
  /** protocol -> status name */
  refuse = {};
  active = [];

  set(kind, query, tables) {
    if (!(kind in KINDS)) throw new Error(`unknown fault '${kind}'; there are ${Object.keys(KINDS).join(', ')}`);
    const type = typeUrl(query.get('type') ?? 'cds');
    switch (kind) {
      case 'none':
        Object.assign(this, new Faults());
        this.#overlays = [];
        this.#silent = new Set();
        return;
      case 'garbage': {
        const name = query.get('name') ?? tables.get(type)?.keys().next().value;
        if (!tables.get(type)?.has(name)) throw new Error(`no resource '${name}' of ${type}`);
        this.#overlays.push([type, makeResource(name, { type_url: type, value: Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x01]) })]);
        break;
      }
      case 'unknown-type':
        this.#overlays.push([type, makeResource('amesh-test-unknown', { type_url: 'type.googleapis.com/amesh.test.Unknown', value: Buffer.from([8, 1]) })]);
        break;
      case 'nonce-reuse': this.nonceReuse = true; break;
      case 'slow': this.slowMs = Number(query.get('ms') ?? 500); break;
      case 'silent': this.#silent.add(query.has('type') ? type : 'all'); break;
      case 'unimplemented': this.refuse[query.get('protocol') ?? 'delta'] = 'UNIMPLEMENTED'; break;
      case 'unavailable':
        for (const protocol of query.get('protocol') ? [query.get('protocol')] : ['delta', 'sotw']) this.refuse[protocol] = 'UNAVAILABLE';
        break;
    }
    this.active.push(kind);
  }

  isSilent(type) {
    return this.#silent.has('all') || this.#silent.has(type);
  }

  /** The table of a type as it is served. */
  overlay(type, table) {
    const overlays = this.#overlays.filter(([overlaid]) => overlaid === type);
    if (overlays.length === 0) return table;
    const changed = new Map(table);
    for (const [, resource] of overlays) changed.set(resource.name, resource);
    return changed;
  }
}

const SHORT = {
  cds: 'envoy.config.cluster.v3.Cluster',
  eds: 'envoy.config.endpoint.v3.ClusterLoadAssignment',
  lds: 'envoy.config.listener.v3.Listener',
  rds: 'envoy.config.route.v3.RouteConfiguration',
  sds: 'envoy.extensions.transport_sockets.tls.v3.Secret',
};

export function typeUrl(text) {
  return text.startsWith('type.googleapis.com/') ? text : `type.googleapis.com/${SHORT[text.toLowerCase()] ?? text}`;
}

/** Envoy's order: what is named comes before what names it. */
export const ORDER = [SHORT.cds, SHORT.eds, SHORT.lds, SHORT.rds, SHORT.sds].map(typeUrl);
