// One ADS stream of one client: what it wants, what it has been sent, and what it said about that.
import crypto from 'node:crypto';
import { ORDER } from './faults.mjs';

const KEPT_NACKS = 20;
const rank = type => (ORDER.indexOf(type) + ORDER.length + 1) % (ORDER.length + 1);
const wholeState = type => type === ORDER[0] || type === ORDER[2];

class Stream {
  types = new Map();
  node = null;
  unknownNonces = 0;
  #queue = Promise.resolve();

  constructor(plane, call, id) {
    Object.assign(this, { plane, call, id, peer: call.getPeer() });
    call.on('data', request => { if (plane.streams.has(this)) this.request(request); });
    call.on('end', () => { this.plane.closed(this, 'half-closed'); call.end(); });
    call.on('cancelled', () => this.plane.closed(this, 'cancelled'));
    call.on('error', error => this.plane.closed(this, error.message));
  }

  /** Sends what changed for this client, in Envoy's order. */
  push() {
    for (const type of [...this.types.keys()].sort((a, b) => rank(a) - rank(b))) this.pushType(type);
  }

  /** Notes node and answer; returns the type's state, or undefined when the nonce is not the last one. */
  accept(request) {
    const type = request.type_url;
    if (request.node) this.node = request.node;
    if (!this.types.has(type)) this.types.set(type, { ...this.newType(), wildcard: false, names: new Set(), requests: 0, sent: 0, acks: 0, nacks: [], lastNonce: '', lastVersion: '', ackedNonce: '', ackedVersion: '', answered: true });
    const state = this.types.get(type);
    state.requests++;
    const nonce = request.response_nonce;
    if (nonce && nonce !== state.lastNonce && !state.outstanding?.has(nonce)) {
      this.unknownNonces++;
      return undefined;
    }
    if (nonce) {
      if (nonce === state.lastNonce) state.answered = true;
      const version = state.outstanding?.get(nonce) ?? state.lastVersion;
      state.outstanding?.delete(nonce);
      if (request.error_detail) {
        state.nacks.push({ nonce, version, code: request.error_detail.code, message: request.error_detail.message });
        state.nacks.splice(0, state.nacks.length - KEPT_NACKS);
        state.nackCount = (state.nackCount ?? 0) + 1;
      } else {
        state.acks++;
        state.ackedNonce = nonce;
        state.ackedVersion = version;
      }
    }
    return state;
  }

  send(type, state, response) {
    const { faults } = this.plane;
    response.nonce = faults.nonceReuse && state.lastNonce ? state.lastNonce : crypto.randomUUID();
    response.type_url = type;
    state.sent++;
    state.lastNonce = response.nonce;
    state.lastVersion = response.version_info ?? response.system_version_info;
    state.answered = false;
    state.outstanding?.set(response.nonce, state.lastVersion);
    // A queue, so that slow responses stay in order.
    const wait = faults.slowMs;
    this.#queue = this.#queue.then(() => new Promise(resolve => {
      const write = () => { if (!this.call.cancelled) this.call.write(response); resolve(); };
      if (wait) setTimeout(write, wait); else write();
    }));
  }

  describe() {
    return {
      id: this.id,
      protocol: this.protocol,
      peer: this.peer,
      node: this.node && { id: this.node.id, cluster: this.node.cluster, metadata: plain(this.node.metadata) },
      settled: [...this.types.values()].every(state => state.answered),
      unknown_nonces: this.unknownNonces,
      types: Object.fromEntries([...this.types].map(([type, state]) => [type, {
        wildcard: state.wildcard,
        subscribed: [...state.names].sort(),
        requests: state.requests,
        sent: state.sent,
        answered: state.answered,
        last_nonce: state.lastNonce,
        last_version: state.lastVersion,
        acked_nonce: state.ackedNonce,
        acked_version: state.ackedVersion,
        acks: state.acks,
        nack_count: state.nackCount ?? 0,
        nacks: state.nacks,
        ...this.describeType(state),
      }])),
    };
  }
}

export class SotwStream extends Stream {
  protocol = 'sotw';
  newType() { return { served: null }; }
  describeType() { return {}; }

  request(request) {
    const type = request.type_url;
    const first = !this.types.has(type);
    const state = this.accept(request);
    if (!state) return;
    const names = new Set(request.resource_names);
    // A first request without names means all; later ones mean none, unless it was all before.
    state.wildcard = names.has('*') || (names.size === 0 && wholeState(type) && (first || state.wildcard));
    names.delete('*');
    const added = [...names].some(name => !state.names.has(name));
    const shrunk = [...state.names].some(name => !names.has(name));
    state.names = names;
    if (first || added || !request.response_nonce || (shrunk && wholeState(type))) this.answer(type, state);
    // What a client dropped is no news to it.
    else if (shrunk) state.served = key(this.wanted(type, state));
  }

  wanted(type, state) {
    const table = this.plane.table(type);
    return [...table.values()].filter(resource => state.wildcard || state.names.has(resource.name));
  }

  answer(type, state) {
    if (this.plane.faults.isSilent(type)) return;
    const resources = this.wanted(type, state);
    // Only of types whose responses are the whole state does "nothing" say something.
    if (resources.length === 0 && !wholeState(type)) return;
    state.served = key(resources);
    this.send(type, state, { version_info: state.served, resources: resources.map(resource => resource.any) });
  }

  pushType(type) {
    const state = this.types.get(type);
    const resources = this.wanted(type, state);
    if (key(resources) === state.served || (!wholeState(type) && resources.length === 0)) return;
    this.answer(type, state);
  }
}

export class DeltaStream extends Stream {
  protocol = 'delta';
  newType() { return { known: new Map(), outstanding: new Map(), initial: {} }; }
  describeType(state) { return { known: Object.fromEntries(state.known), initial_resource_versions: state.initial }; }

  request(request) {
    const type = request.type_url;
    const first = !this.types.has(type);
    const state = this.accept(request);
    if (!state) return;
    if (first) {
      state.initial = request.initial_resource_versions ?? {};
      for (const [name, version] of Object.entries(state.initial)) state.known.set(name, version);
      state.wildcard = request.resource_names_subscribe.length === 0 && wholeState(type);
    }
    const asked = new Set(request.resource_names_subscribe);
    if (asked.delete('*')) state.wildcard = true;
    for (const name of request.resource_names_unsubscribe) {
      if (name === '*') state.wildcard = false;
      state.names.delete(name);
      if (!state.wildcard) state.known.delete(name);
    }
    const initial = first && Object.keys(state.initial).length > 0;
    for (const name of asked) {
      state.names.add(name);
      // Asked for again means: send it again, unless this is a reconnect and the client says which version it has.
      if (!initial) state.known.delete(name);
    }
    this.pushType(type, asked, first && state.wildcard && !initial);
  }

  pushType(type, asked = new Set(), always = false) {
    if (this.plane.faults.isSilent(type)) return;
    const state = this.types.get(type);
    const table = this.plane.table(type);
    const wanted = name => state.wildcard || state.names.has(name);
    const resources = [...table.values()].filter(({ name, version }) => wanted(name) && state.known.get(name) !== version);
    const gone = [...new Set([...state.known.keys(), ...asked])].filter(name => !table.has(name));
    if (resources.length === 0 && gone.length === 0 && !always) return;
    for (const { name, version } of resources) state.known.set(name, version);
    for (const name of gone) state.known.delete(name);
    this.send(type, state, {
      system_version_info: this.plane.version,
      resources: resources.map(({ name, version, any }) => ({ name, version, resource: any })),
      removed_resources: gone,
    });
  }
}

function key(resources) {
  const hash = crypto.createHash('sha256');
  for (const line of resources.map(({ name, version }) => `${name} ${version}\n`).sort()) hash.update(line);
  return hash.digest('hex').slice(0, 16);
}

/** google.protobuf.Struct as plain JSON. */
function plain(value) {
  if (!value) return null;
  if (value.fields) return Object.fromEntries(Object.entries(value.fields).map(([name, field]) => [name, plain(field)]));
  if (value.structValue) return plain(value.structValue);
  if (value.listValue) return (value.listValue.values ?? []).map(plain);
  return value.stringValue ?? value.numberValue ?? value.boolValue ?? null;
}
