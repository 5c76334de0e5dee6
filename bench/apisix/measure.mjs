// Measures Amesh in a real APISIX: memory, time from a change to every worker, latency of requests meanwhile. See README.md.
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import http from 'node:http'
import { fileURLToPath } from 'node:url'
import { load as clients } from '../../native-tests/apisix/clients.mjs'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const home = process.env.APISIX_HOME ?? die('set APISIX_HOME to the home of an APISIX 3, and have its openresty on the PATH')
const amesh = process.env.AMESH ?? path.join(root, 'artifacts/bin/Amesh.Cli/release/amesh')
const library = process.env.AMESH_LIBRARY ?? path.join(root, 'artifacts/libxds.so')
const recording = path.join(root, 'samples/istio', process.env.MESH ?? 'scale-5000')
const BACKEND_PORT = Number(process.env.BACKEND_PORT ?? 8080)
const changes = Number(process.env.CHANGES ?? 200)
// not one of the mesh's own listeners: requests come by name, as to a gateway

const services = Number((process.env.MESH ?? "scale-5000").match(/\d+/)[0])
const folder = fs.mkdtempSync('/var/tmp/amesh-bench-')
fs.chmodSync(folder, 0o755) // nginx's workers are nobody
const children = []
process.on('exit', () => { for (const child of children) child.kill('SIGTERM') })
const result = {}

function die(text) {
  console.error(text)
  process.exit(1)
}
const sleep = ms => new Promise(done => setTimeout(done, ms))
const percentile = (values, p) => values.length === 0 ? NaN : values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * p))]
const MiB = KiB => Math.round(KiB / 102.4) / 10
const ms = seconds => Math.round(seconds * 10000) / 10

function start(name, command, args, env = {}) {
  const log = fs.openSync(path.join(folder, name + '.log'), 'w')
  const child = spawn(command, args, { stdio: ['ignore', log, log], env: { ...process.env, ...env } })
  children.push(child)
  return child
}

const keep = new http.Agent({ keepAlive: true })
function ask(port, url, method = 'GET', headers = {}, agent = keep) {
  return new Promise((done, failed) => {
    const request = http.request({ host: '127.0.0.1', port, path: url, method, headers, agent }, response => {
      let body = ''
      response.on('data', part => { body += part })
      response.on('end', () => done({ status: response.statusCode, body }))
    })
    request.on('error', failed)
    request.end()
  })
}
const control = (url, method) => ask(15080, url, method).then(answer => JSON.parse(answer.body))

async function until(what, condition, limit = 60000) {
  const deadline = Date.now() + limit
  while (Date.now() < deadline) {
    if (await condition().catch(() => false)) return
    await sleep(20)
  }
  die(`gave up: ${what}; look into ${folder}`)
}

// All of Amesh but its provider and router: the stock ones read the same dictionaries.
function stockTree() {
  const tree = path.join(folder, 'stock-lua')
  spawnSync('sh', ['-c', `cp -r '${root}/lua' '${tree}' && rm '${tree}/apisix/core/config_xds.lua'`])
  return tree
}

function configuration(source, stock) {
  const text = stock
    ? configuration(source).replace(`${root}/lua/?.lua`, `${stockTree()}/?.lua`).replace('http: amesh\n', 'http: radixtree_host_uri\n')
      .replace('ssl: amesh\n', 'ssl: radixtree_sni\n').replace(/ {2}proxy_mode: .*\n/, '')
      .replace(/ {2}extra_lua_cpath: .*/, `  extra_lua_cpath: ${path.dirname(library)}/?.so`)
    : ours(source)
  return text
}

function ours(source) {
  const text = fs.readFileSync(path.join(root, 'apisix-patch/config.yaml'), 'utf8').replaceAll('/usr/local/amesh/lua/?.lua', `${root}/lua/?.lua;${root}/bench/apisix/lua/?.lua`)
    .replaceAll('/usr/local/amesh', root)
  return text
    // asked directly, without the captured port before it
    .replace('  node_listen:\n    - ip: 127.0.0.1\n      port: 15080', `  node_listen: [{ip: 127.0.0.1, port: 18001}]
  enable_control: true
  control: {ip: 127.0.0.1, port: 15080}
  proxy_cache: {zones: [{name: disk_cache_one, memory_size: 1m, disk_size: 1m, disk_path: "${folder}/cache", cache_levels: "1:2"}]}`)
    // and with it
    .replace('        listen 15001;\n', '        listen 127.0.0.1:18002;\n        listen 15001;\n')
    .replace('plugins:\n', 'plugins:\n  - amesh_bench\n')
    .replace(/ {4}source: .*/, `    source: "${source}"\n    library: "${library}"\n    targets: {http: 127.0.0.1:18001}\n    node: ${fs.readFileSync(path.join(recording, 'node.json'), 'utf8').replaceAll('\n', ' ')}`)
    .replace('nginx_config:\n', 'nginx_config:\n  worker_processes: 2\n  error_log_level: notice\n  worker_rlimit_nofile: 20000\n')
    .replace('xds-config: 64m', 'amesh-bench: 10m\n      xds-config: 64m')
}

let nginx
async function startApisix(name, source, stock = false) {
  const prefix = path.join(folder, name)
  fs.mkdirSync(path.join(prefix, 'conf'), { recursive: true })
  fs.mkdirSync(path.join(prefix, 'logs'))
  for (const part of ['apisix', 'bin', 'deps']) {
    if (fs.existsSync(path.join(home, part))) fs.symlinkSync(path.join(home, part), path.join(prefix, part))
  }
  spawnSync('sh', ['-c', `cp -r '${home}'/conf/. '${prefix}/conf/' && rm -f '${prefix}'/conf/*.sock '${prefix}'/conf/apisix.yaml`])
  fs.writeFileSync(path.join(prefix, 'conf/config.yaml'), configuration(source, stock))
  const init = spawnSync('bash', ['./bin/apisix', 'init'], { cwd: prefix, encoding: 'utf8' })
  if (init.status !== 0) die(init.stdout + init.stderr)
  nginx = start(name, 'openresty', ['-p', prefix, '-c', path.join(prefix, 'conf/nginx.conf'), '-g', 'daemon off;'], stock ? { AMESH_SOURCE: source } : {})
  await until('APISIX answers', async () => (await control('/v1/amesh_bench'))['pid/agent'])
}

async function stopApisix() {
  nginx.kill('SIGTERM')
  await new Promise(done => nginx.once('exit', done))
}

// What each process holds: pages of its own (heap), and the Lua heap after a full collection.
async function memory() {
  await control('/v1/amesh_bench/collect', 'POST')
  await sleep(1500)
  const all = await control('/v1/amesh_bench')
  const of = {}
  for (const who of ['agent', '0', '1']) {
    const status = fs.readFileSync(`/proc/${all['pid/' + who]}/status`, 'utf8')
    const field = name => Number(status.match(new RegExp(`${name}:\\s+(\\d+)`))[1])
    of[who] = { rss: MiB(field('VmRSS')), anon: MiB(field('RssAnon')), shared: MiB(field('RssShmem')), lua: MiB(all['heap/' + who]) }
  }
  return of
}

function gaps(all) {
  return Object.fromEntries(['0', '1', 'agent'].map(who => [who, { gap: ms(all['gap/' + who]), busy: ms(all['busy/' + who]) }]))
}

async function applied(commit) {
  const all = await control('/v1/amesh_bench')
  return ['0', '1'].every(worker => Object.keys(all).some(key => key.startsWith('applied/') && key.endsWith('/' + worker) && Number(key.split('/')[1]) >= commit))
}

function hostOf(number) {
  return `svc-${String(number).padStart(5, '0')}.default.svc.cluster.local:8080`
}

// Requests over a few connections, as fast as they are answered or at a rate; seconds each.
async function load(until_, { connections = 4, rate = 400, kept = true } = {}) {
  const seconds = []
  const notOk = {}
  const agent = new http.Agent({ keepAlive: kept, maxSockets: connections })
  await Promise.all(Array.from({ length: connections }, async (_, index) => {
    let number = index
    while (!until_()) {
      const begun = process.hrtime.bigint()
      const answer = await ask(18001, '/', 'GET', { host: hostOf((number += connections) % 100) }, agent).catch(error => ({ status: error.code }))
      const took = Number(process.hrtime.bigint() - begun) / 1e9
      seconds.push(took)
      if (answer.status !== 200) notOk[answer.status] = (notOk[answer.status] ?? 0) + 1
      await sleep(Math.max(0, 1000 * connections / rate - took * 1000))
    }
  }))
  agent.destroy()
  return { requests: seconds.length, notOk, p50: ms(percentile(seconds, 0.5)), p99: ms(percentile(seconds, 0.99)), max: ms(Math.max(...seconds)) }
}

// Every virtual host is asked for, by both workers. What does not answer measures nothing.
async function askForAll() {
  const notOk = {}
  for (let round = 0; round < 3; round++) {
    let number = 0
    await Promise.all(Array.from({ length: 8 }, async () => {
      while (number < services) {
        const answer = await ask(18001, '/', 'GET', { host: hostOf(number++), connection: 'close' }, false)
        if (answer.status !== 200) notOk[answer.status] = (notOk[answer.status] ?? 0) + 1
      }
    }))
  }
  if (Object.keys(notOk).length > 0) die(`not every virtual host answers: ${JSON.stringify(notOk)}; look into ${folder}`)
}

// Ten reloads under 32 connections that are kept open: how many requests fail, and how many of HTTP/2 a client sends again.
async function manyReloads(child, port, sort, host) {
  const through = clients(host, { sort, port, connections: 32 })
  for (let i = 0; i < 10; i++) {
    await sleep(1000)
    child.kill('SIGHUP')
  }
  await sleep(2000)
  const failures = await through.stop()
  return { requests: through.sent, failed: failures.length, how: failures[0], again: through.again, longest: Math.round(through.longest) }
}

// The same for an nginx that does nothing but answer.
async function keptThroughReloads(backend) {
  // a service without a virtual service: the others' routes have a timeout of 2 s, which is not what is asked for here
  await ask(15011, '/step/new-service', 'POST')
  const mesh = () => 'late.default.svc.cluster.local:8080'
  await until('the new service answers', async () => (await ask(18001, '/', 'GET', { host: mesh() }, false)).status === 200)
  await sleep(1000)
  const found = {}
  for (const sort of ['kept', 'http2']) {
    found[sort] = {
      plain_port: await manyReloads(nginx, 18001, sort, mesh),
      captured_port: await manyReloads(nginx, 18002, sort, mesh),
      nginx: await manyReloads(backend, BACKEND_PORT, sort, () => 'localhost'),
    }
  }
  return found
}

// Requests while new workers start, with the whole mesh in the zone. `connections`: kept open, or a new one for each request.
async function reload() {
  const results = {}
  for (const kept of [true, false]) {
    let reloaded = false
    await control('/v1/amesh_bench/clear', 'POST')
    const through = load(() => reloaded, { kept })
    await sleep(500)
    nginx.kill('SIGHUP')
    await sleep(5000)
    reloaded = true
    results[kept ? 'kept' : 'new'] = { ...await through, blocks: gaps(await control('/v1/amesh_bench')) }
  }
  return results
}

async function startWithMesh() {
  start('replay', amesh, ['replay', recording, '--port', '15010', '--http', '15011', '--step', 'base', '--quiet'])
  await until('the control plane answers', async () => (await ask(15011, '/state')).status === 200)
  await startApisix('apisix', 'grpc://127.0.0.1:15010')
  await until('the mesh is applied', async () => (await control('/v1/amesh/status')).library?.objects?.virtual_hosts >= services && await applied(1))
  await sleep(2000)
}

async function main() {
  const backend = start('backend', 'openresty', ['-p', folder, '-g', 'daemon off;', '-c', (() => {
    const file = path.join(folder, 'backend.conf')
    fs.mkdirSync(path.join(folder, 'logs'))
    fs.writeFileSync(file, `worker_processes 1; pid ${folder}/backend.pid; error_log ${folder}/backend.err;
events { worker_connections 4096; }
http { access_log off; keepalive_requests 1000000; server { listen ${BACKEND_PORT}; http2 on; location / { return 200 "ok"; } } }`)
    return file
  })()])

  if (process.env.ONLY === 'reloads') {
    await startWithMesh()
    result.reload = await reload()
    result.many_reloads = await keptThroughReloads(backend)
    return console.log(JSON.stringify(result, null, 1))
  }

  fs.mkdirSync(path.join(folder, 'empty'))
  await startApisix('empty-mesh', `file:${folder}/empty`)
  await sleep(4000)
  result.empty = await memory()
  result.empty_reload = await reload()
  await stopApisix()

  await startWithMesh()
  const first = await control('/v1/amesh_bench')
  result.first_read_blocks_ms = gaps(first)
  result.idle = await memory()

  await control('/v1/amesh_bench/clear', 'POST')
  const begun = process.hrtime.bigint()
  const answer = await ask(18001, '/', 'GET', { host: hostOf(7) })
  result.first_request_ms = { status: answer.status, ms: ms(Number(process.hrtime.bigint() - begun) / 1e9) }
  await sleep(200)
  result.first_request_blocks_ms = gaps(await control('/v1/amesh_bench'))

  const quietEnd = Date.now() + 10000
  await load(() => Date.now() > quietEnd - 8000)
  result.without_changes = await load(() => Date.now() > quietEnd)

  // two steps, to and fro: another set of endpoints each time
  await ask(15011, '/step/endpoints-of-one', 'POST')
  await sleep(500)
  await control('/v1/amesh_bench/clear', 'POST')
  let done = false
  const whole = []
  const loaded = load(() => done)
  for (let i = 0; i < changes; i++) {
    const version = (await control('/v1/amesh/status')).commit
    const asked = Date.now()
    await ask(15011, `/step/${i % 2 ? 'endpoints-of-one' : 'endpoints-of-one-again'}`, 'POST')
    await until('the change is applied', async () => applied(version + 1), 5000)
    whole.push((Date.now() - asked) / 1000)
    await sleep(30)
  }
  done = true
  result.with_changes = await loaded
  const all = await control('/v1/amesh_bench')
  const lag = []
  for (const [key, time] of Object.entries(all)) {
    const number = key.match(/^seen\/(\d+)$/)?.[1]
    if (number && all[`applied/${number}/0`] && all[`applied/${number}/1`]) {
      lag.push(Math.max(0, all[`applied/${number}/0`] - time, all[`applied/${number}/1`] - time))
    }
  }
  result.zone_to_every_worker = { changes: lag.length, p50: ms(percentile(lag, 0.5)), p99: ms(percentile(lag, 0.99)), max: ms(Math.max(...lag)) }
  result.changes_block_ms = gaps(all)

  await askForAll()
  result.used = await memory()
  result.reload = await reload()
  result.many_reloads = await keptThroughReloads(backend)
  await stopApisix()

  // the same objects with APISIX's own provider and router
  await startApisix('stock', 'grpc://127.0.0.1:15010', true)
  await until('a service answers', async () => (await ask(18001, '/', 'GET', { host: hostOf(7) })).status === 200)
  await askForAll()
  result.stock = await memory()
  result.stock_reload = await reload()
  console.log(JSON.stringify(result, null, 1))
}

await main().finally(async () => {
  for (const child of children) child.kill('SIGTERM') // before the folder goes
  await sleep(500)
  if (!process.env.KEEP) fs.rmSync(folder, { recursive: true, force: true })
})
process.exit(0)
