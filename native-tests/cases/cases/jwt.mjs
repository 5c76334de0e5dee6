// Tokens, signed by another library than the one that checks them.
import { createHmac, constants, generateKeyPairSync, randomBytes, sign } from 'node:crypto'

const NAME = 'envoy.filters.http.jwt_authn'
const TYPE = 'type.googleapis.com/envoy.extensions.filters.http.jwt_authn.v3.'
const encode = value => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = { 'P-256': generateKeyPairSync('ec', { namedCurve: 'P-256' }), 'P-384': generateKeyPairSync('ec', { namedCurve: 'P-384' }), 'P-521': generateKeyPairSync('ec', { namedCurve: 'P-521' }) }
const ed25519 = generateKeyPairSync('ed25519')
const secret = randomBytes(40)
const jwk = (pair, more) => ({ ...pair.publicKey.export({ format: 'jwk' }), ...more })
const oct = more => ({ kty: 'oct', k: secret.toString('base64url'), ...more })

const hash = alg => `sha${alg.slice(2)}`
const SIGNERS = {
  RS: (alg, data) => sign(hash(alg), data, rsa.privateKey),
  PS: (alg, data) => sign(hash(alg), data, { key: rsa.privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }),
  ES: (alg, data) => sign(hash(alg), data, { key: ec[{ ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }[alg]].privateKey, dsaEncoding: 'ieee-p1363' }),
  HS: (alg, data) => createHmac(hash(alg), secret).update(data).digest(),
  Ed: (_, data) => sign(null, data, ed25519.privateKey),
}

function token(alg, claims = {}, header = {}) {
  const data = `${encode({ alg, ...header })}.${encode({ iss: 'https://issuer', sub: 'bob', aud: 'shop', exp: 4102444800, ...claims })}`
  return `${data}.${SIGNERS[alg.slice(0, 2)](alg, Buffer.from(data)).toString('base64url')}`
}

const local = (...keys) => ({ local_jwks: { inline_string: JSON.stringify({ keys }) } })
const ALL = local(jwk(rsa), jwk(ec['P-256']), jwk(ec['P-384']), jwk(ec['P-521']), jwk(ed25519), oct())
const ROUTER = { name: 'router', typed_config: { '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router' } }

const filter = options => ({ http_filters: [{ name: NAME, typed_config: { '@type': TYPE + 'JwtAuthentication', ...options } }, ROUTER] })
const asking = (provider, more) => filter({ providers: { p: { issuer: 'https://issuer', ...provider } }, rules: [{ match: { prefix: '/' }, requires: { provider_name: 'p' } }], ...more })
const bearer = (value, more) => ({ headers: { authorization: `Bearer ${value}` }, ...more })
const refused = (body, status = 401) => ({ status, body })
const INVALID = /^Bearer realm="http:\/\/case\d+\.test(:\d+)?\/[^"]*", error="invalid_token"$/

const publicPem = rsa.publicKey.export({ format: 'pem', type: 'spki' })
function forged(key) {
  const data = `${encode({ alg: 'HS256' })}.${encode({ iss: 'https://issuer' })}`
  return `${data}.${createHmac('sha256', key).update(data).digest('base64url')}`
}

const cases = [
  {
    name: 'every algorithm',
    manager: asking(ALL),
    requests: [
      ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'HS256', 'HS384', 'HS512', 'EdDSA']
        .map(alg => ({ send: bearer(token(alg)), want: { seen: { headers: { authorization: null } } } })),
      ...['RS256', 'PS256', 'ES256', 'HS256', 'EdDSA'].map(alg => ({
        send: bearer(token(alg).replace(/\.[^.]+\./, `.${encode({ iss: 'https://issuer', sub: 'admin' })}.`)),
        want: { ...refused('Jwt verification fails'), headers: { 'www-authenticate': INVALID } },
      })),
    ],
  },
  {
    name: 'no token, and tokens that are none',
    manager: asking(ALL),
    requests: [
      { send: { path: '/a?b' }, want: { ...refused('Jwt is missing'), headers: { 'www-authenticate': /^Bearer realm="http:\/\/[^"]*\/a\?b"$/ } } },
      { send: bearer('x'), want: refused('Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections') },
      { send: bearer(`${encode({ alg: 'none' })}.${encode({ iss: 'https://issuer' })}.AAAA`), want: refused('Jwt header [alg] is not supported') },
      { send: bearer(`${encode('[')}.${encode('{}')}.AAAA`), want: refused('Jwt header is an invalid JSON') },
      { send: bearer(`${encode({ alg: 'HS256' })}.${encode('{"iss":"a","iss":"https://issuer"}')}.AAAA`), want: refused('Jwt payload is an invalid JSON') },
      { send: bearer(token('HS256', { exp: 1000 })), want: refused('Jwt is expired') },
      { send: bearer(token('HS256', { nbf: 4102444800 })), want: refused('Jwt not yet valid') },
      { send: bearer(token('HS256', { iss: 'https://other' })), want: refused('Jwt issuer is not configured') },
    ],
  },
  {
    name: 'what is public is no shared secret',
    manager: asking(local(jwk(rsa))),
    requests: [secret, publicPem, JSON.stringify(jwk(rsa)), Buffer.from(jwk(rsa).n, 'base64url')].map(key => ({ send: bearer(forged(key)), want: refused('Jwt verification fails') })),
  },
  {
    name: 'kid and alg choose the key',
    manager: asking(local(oct({ kid: 'a', alg: 'HS512' }), jwk(rsa, { kid: 'b' }))),
    requests: [
      { send: bearer(token('HS512', {}, { kid: 'a' })) },
      { send: bearer(token('HS256', {}, { kid: 'a' })), want: refused("Jwks doesn't have key to match kid or alg from Jwt") },
      { send: bearer(token('RS256', {}, { kid: 'b' })) },
      { send: bearer(token('RS256')) },
      { send: bearer(token('RS256', {}, { kid: 'c' })), want: refused("Jwks doesn't have key to match kid or alg from Jwt") },
    ],
  },
  {
    name: 'audiences, subjects, lifetimes',
    manager: asking({ ...ALL, audiences: ['https://shop/'], subjects: { safe_regex: { regex: 'b.b' } }, max_lifetime: '4102444800s' }),
    requests: [
      { send: bearer(token('HS256')) },
      { send: bearer(token('HS256', { aud: ['x', 'http://shop'] })) },
      { send: bearer(token('HS256', { aud: 'bank' })), want: refused('Audiences in Jwt are not allowed', 403) },
      { send: bearer(token('HS256', { sub: 'bobby' })), want: refused('Jwt verification fails') },
      { send: bearer(token('HS256', { exp: undefined })), want: refused('Jwt verification fails') },
      { send: bearer(token('HS256', { exp: 9e9 })), want: refused('Jwt verification fails') },
    ],
  },
  {
    name: 'places of tokens, and what they leave',
    manager: asking({
      ...ALL, from_headers: [{ name: 'X-Jwt', value_prefix: 'Token ' }], from_params: ['token'], from_cookies: ['session'], forward_payload_header: 'X-Payload',
      claim_to_headers: [{ header_name: 'X-Sub', claim_name: 'sub' }, { header_name: 'x-level', claim_name: 'of.level' }],
    }),
    requests: [
      { send: { headers: { 'x-jwt': `Token ${token('HS256', { of: { level: 3 } })}`, 'x-sub': 'admin' } }, want: { seen: { headers: { 'x-jwt': null, 'x-sub': 'bob', 'x-level': '3', 'x-payload': /^eyJ/ } } } },
      { send: { path: `/a?x=%20&token=${token('HS256')}&y` }, want: { seen: { path: '/a?x=%20&y', headers: { 'x-sub': 'bob' } } } },
      { send: { headers: { cookie: `a=b; session=${token('HS256')}` } }, want: { seen: { headers: { cookie: /session=/ } } } },
      { send: bearer(token('HS256')), want: refused('Jwt is missing') },
    ],
  },
  {
    name: 'rules, requirements, preflights',
    manager: filter({
      providers: { p: { issuer: 'https://issuer', ...ALL }, q: { issuer: 'https://q', ...ALL, from_headers: [{ name: 'x-q' }] } },
      bypass_cors_preflight: true,
      requirement_map: { either: { requires_any: { requirements: [{ provider_name: 'p' }, { provider_name: 'q' }] } } },
      rules: [
        { match: { path: '/health' } },
        { match: { prefix: '/both' }, requires: { requires_all: { requirements: [{ provider_name: 'p' }, { provider_name: 'q' }] } } },
        { match: { prefix: '/open' }, requires: { requires_any: { requirements: [{ provider_name: 'p' }, { allow_missing: {} }] } } },
        { match: { prefix: '/any' }, requires: { allow_missing_or_failed: {} } },
        { match: { prefix: '/', headers: [{ name: 'x-free', present_match: true }] } },
        { match: { prefix: '/' }, requirement_name: 'either' },
      ],
    }),
    requests: [
      { send: { path: '/health?x' } },
      { send: { path: '/healthy' }, want: refused('Jwt is missing') },
      { send: { path: '/healthy', headers: { 'x-free': '1' } } },
      { send: bearer(token('HS256'), { path: '/both' }), want: refused('Jwt is missing') },
      { send: { path: '/both', headers: { authorization: `Bearer ${token('HS256')}`, 'x-q': token('RS256', { iss: 'https://q' }) } } },
      { send: { path: '/open' } },
      { send: bearer('x', { path: '/open' }), want: refused('Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections') },
      { send: bearer('x', { path: '/any' }) },
      { send: { headers: { 'x-q': token('RS256', { iss: 'https://q' }) } } },
      { send: { method: 'OPTIONS', headers: { origin: 'http://a', 'access-control-request-method': 'GET' } } },
      { send: { method: 'OPTIONS' }, want: refused('Jwt is missing') },
    ],
  },
  {
    name: 'routes say otherwise',
    manager: asking(ALL, { requirement_map: { open: { allow_missing: {} } } }),
    routes: [
      { match: { prefix: '/off' }, route: { cluster: 'one' }, typed_per_filter_config: { [NAME]: { '@type': TYPE + 'PerRouteConfig', disabled: true } } },
      { match: { prefix: '/open' }, route: { cluster: 'one' }, typed_per_filter_config: { [NAME]: { '@type': TYPE + 'PerRouteConfig', requirement_name: 'open' } } },
      { match: { prefix: '/none' }, route: { cluster: 'one' }, typed_per_filter_config: { [NAME]: { '@type': TYPE + 'PerRouteConfig', requirement_name: 'none' } } },
      { match: { prefix: '/' }, route: { cluster: 'one' } },
    ],
    requests: [
      { send: { path: '/off' } }, { send: { path: '/open' } },
      { send: { path: '/none' }, want: refused('Failed JWT authentication: Wrong requirement_name: none. It should be one of [open]', 403) },
      { send: { path: '/' }, want: refused('Jwt is missing') },
    ],
  },
  {
    name: 'a route that claims choose',
    manager: asking({ ...ALL, claim_to_headers: [{ header_name: 'x-sub', claim_name: 'sub' }], clear_route_cache: true }),
    routes: [
      { match: { prefix: '/', headers: [{ name: 'x-sub', string_match: { exact: 'bob' } }] }, direct_response: { status: 200, body: { inline_string: 'bob' } } },
      { match: { prefix: '/' }, direct_response: { status: 200, body: { inline_string: 'others' } } },
    ],
    requests: [
      { send: bearer(token('HS256')), want: { body: 'bob' } },
      { send: bearer(token('HS256', { sub: 'eve' }), { headers: { authorization: `Bearer ${token('HS256', { sub: 'eve' })}`, 'x-sub': 'bob' } }), want: { body: 'others' } },
    ],
  },
  {
    name: 'keys that an issuer serves',
    manager: asking({ remote_jwks: { http_uri: { uri: `https://issuer.example/says/${encode({ keys: [jwk(rsa)] })}`, cluster: 'two', timeout: '5s' } } }),
    requests: [
      { send: bearer(token('RS256')) },
      { send: bearer(token('HS256')), want: refused('Jwt verification fails') },
    ],
  },
  {
    name: 'keys that nobody serves',
    manager: asking({ remote_jwks: { http_uri: { uri: 'https://issuer.example/keys', cluster: 'dead', timeout: '1s' } } }),
    requests: [{ send: bearer(token('RS256')), want: refused('Jwks remote fetch is failed') }],
  },
  {
    name: 'rules that make no sense let nobody through',
    manager: filter({ providers: { p: ALL }, rules: [{ match: { prefix: '/' }, requires: { provider_name: 'q' } }] }),
    requests: [{ send: {}, want: { status: 403 } }, { send: bearer(token('HS256')), want: { status: 403 } }],
  },
]

export default cases.map(one => ({ ...one, requests: one.requests.map(request => ({ want: {}, ...request })) }))
