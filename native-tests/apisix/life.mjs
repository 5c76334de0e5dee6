// A real APISIX through what happens to an nginx in its life, under load: reload, upgrade, replaced library, killed processes. See README.md.
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { ask, load as requests } from './clients.mjs'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..')
const home = process.env.APISIX_HOME ?? die('set APISIX_HOME to the home of an APISIX 3, and have its openresty on the PATH')
const amesh = process.env.AMESH ?? path.join(root, 'artifacts/bin/Amesh.Cli/release/amesh')
const library = process.env.AMESH_LIBRARY ?? path.join(root, 'artifacts/libxds.so')
// a library of another version, which takes the first one's place; without it the same in another file does
const nextLibrary = process.env.AMESH_NEXT_LIBRARY
const recording = path.join(root, 'samples/istio/scale-1000')
const folder = fs.mkdtempSync('/var/tmp/amesh-life-')
const prefix = path.join(folder, 'apisix')
const connections = 4
const version = spawnSync('openresty', ['-v'], { encoding: 'utf8' }).stderr.match(/\/(\d+)\.(\d+)\.(\d+)/).slice(1).map(Number)
// keepalive_min_timeout came with nginx 1.27.4
const keepsConnections = version[0] * 1e6 + version[1] * 1e3 + version[2] >= 1027004
const reloads = 3
const children = []

function die(text) {
  console.error(text)
  process.exit(1)
}
const sleep = ms => new Promise(done => setTimeout(done, ms))
function must(condition, text) {
  if (!condition) throw new Error(typeof text === 'function' ? text() : text)
}

async function until(what, condition, limit = 40000) {
  const deadline = Date.now() + limit
  while (Date.now() < deadline) {
    if (await Promise.resolve().then(condition).catch(() => false)) return
    await sleep(20)
  }
  throw new Error(`gave up waiting: ${what}`)
}

function start(name, command, args) {
  const log = fs.openSync(path.join(folder, name + '.log'), 'w')
  const child = spawn(command, args, { stdio: ['ignore', log, log] })
  children.push(child)
  return child
}

const status = async () => JSON.parse((await ask(15080, '/v1/amesh/status')).body)
const hostOf = number => `svc-${String(number).padStart(5, '0')}.default.svc.cluster.local:8080`

// Requests until stop(), over new connections if no other sort of client is named; what failed.
function load({ host = number => hostOf(number % 50), ...options } = {}) {
  const running = requests(host, options)
  running.more = async count => { const wanted = running.sent + count; await until('requests', () => running.sent >= wanted) }
  return running
}

const read = file => { try { return fs.readFileSync(file, 'utf8') } catch { return '' } }
const alive = pid => fs.existsSync(`/proc/${pid}`) && !/^State:\s+Z/m.test(read(`/proc/${pid}/status`))
function generation(master) {
  const of = { workers: [], agent: undefined }
  for (const pid of read(`/proc/${master}/task/${master}/children`).split(' ').filter(Boolean)) {
    const line = read(`/proc/${pid}/cmdline`)
    if (line.includes('privileged agent')) of.agent = Number(pid)
    if (line.includes('worker process') && !line.includes('shutting down')) of.workers.push(Number(pid))
  }
  return of
}
const master = () => Number(read(path.join(prefix, 'logs/nginx.pid')))
const errors = pattern => read(path.join(prefix, 'logs/error.log')).split('\n').filter(line => pattern.test(line))

function layOut() {
  for (const part of ['conf', 'logs', '../lib', '../empty']) fs.mkdirSync(path.join(prefix, part), { recursive: true })
  for (const one of [folder, prefix, path.join(prefix, '../lib')]) fs.chmodSync(one, 0o755)
  for (const part of ['apisix', 'bin', 'deps']) {
    if (fs.existsSync(path.join(home, part))) fs.symlinkSync(path.join(home, part), path.join(prefix, part))
  }
  spawnSync('sh', ['-c', `cp -r '${home}'/conf/. '${prefix}/conf/' && rm -f '${prefix}'/conf/*.sock '${prefix}'/conf/apisix.yaml`])
  fs.copyFileSync(library, path.join(folder, 'lib/libxds.so'))
  const text = fs.readFileSync(path.join(root, 'apisix-patch/config.yaml'), 'utf8').replaceAll('/usr/local/amesh', root)
    // asked directly, without the captured port before it
    .replace('  node_listen:\n    - ip: 127.0.0.1\n      port: 15080', `  node_listen: [{ip: 127.0.0.1, port: 18001}]
  enable_control: true
  control: {ip: 127.0.0.1, port: 15080}
  proxy_cache: {zones: [{name: disk_cache_one, memory_size: 1m, disk_size: 1m, disk_path: "${folder}/cache", cache_levels: "1:2"}]}`)
    .replace(/ {4}source: .*/, `    source: grpc://127.0.0.1:15010\n    library: "${folder}/lib/libxds.so"\n    state_file: "${folder}/state"\n    targets: {http: 127.0.0.1:18001}\n    node: ${fs.readFileSync(path.join(recording, 'node.json'), 'utf8').replaceAll('\n', ' ')}`)
    .replace(keepsConnections ? '' : /.*include .*amesh-reload\.conf;\n/, '')
    .replace('        listen 15001;\n', '        listen 127.0.0.1:18002;\n        listen 15001;\n')
    .replace('nginx_config:\n', 'nginx_config:\n  worker_processes: 2\n  error_log_level: notice\n  worker_rlimit_nofile: 20000\n')
  fs.writeFileSync(path.join(prefix, 'conf/config.yaml'), text)
  const init = spawnSync('bash', ['./bin/apisix', 'init'], { cwd: prefix, encoding: 'utf8' })
  if (init.status !== 0) die(init.stdout + init.stderr)
}

let step = 0
// The next state of the mesh reaches every worker: the library and the provider are at work.
async function followsChanges() {
  const before = (await status()).commit
  await ask(15011, `/step/${step++ % 2 ? 'endpoints-of-one' : 'endpoints-of-one-again'}`, { method: 'POST' })
  await until('a change is applied', async () => { const now = await status(); return now.commit > before && now.applied === now.commit })
}

let replay
const startReplay = () => { replay = start('replay', amesh, ['replay', recording, '--port', '15010', '--http', '15011', '--step', 'base', '--quiet']) }
async function stopReplay() {
  replay.kill('SIGTERM')
  await new Promise(done => replay.once('exit', done))
}

// The answer of every worker, whichever takes the connection.
async function everywhere(host, wanted) {
  let answers = 0
  await until(`${host} answers ${wanted}`, async () => {
    answers = (await ask(18001, '/', { host })).status === wanted ? answers + 1 : 0
    return answers >= 30
  })
}

// by every worker
const served = () => everywhere(hostOf(1), 200)

async function startApisix() {
  // as a daemon: nginx takes no USR2 otherwise
  start('apisix', 'openresty', ['-p', prefix, '-c', path.join(prefix, 'conf/nginx.conf')])
  await served()
}

async function stopApisix() {
  const last = master()
  process.kill(last, 'SIGTERM')
  await until('APISIX is gone', () => !alive(last))
}

const tests = {
  async 'a reload under load fails no request, on new connections, kept ones and those of HTTP/2'() {
    // the one service without a virtual service: the others' routes have a timeout of 2 s, which a busy machine may need
    const host = () => 'late.default.svc.cluster.local:8080'
    await ask(15011, '/step/new-service', { method: 'POST' })
    await everywhere(host(), 200)
    const running = ['new', 'kept', 'http2'].flatMap(sort => [18001, 18002].map(port => load({ sort, port, host, connections: 4 })))
    await Promise.all(running.map(one => one.more(50)))
    for (let i = 0; i < reloads; i++) {
      const before = generation(master())
      process.kill(master(), 'SIGHUP')
      await until('new processes', () => { const now = generation(master()); return now.workers.length === 2 && now.agent && now.agent !== before.agent && !before.workers.some(alive) })
      await Promise.all(running.map(one => one.more(100)))
    }
    await Promise.all(running.map(one => one.stop()))
    const failed = running.filter(one => one.failures.length > 0 && (one.sort !== 'kept' || keepsConnections))
    must(failed.length === 0, () => failed.map(one => `${one.failures.length} of ${one.sent} requests of ${one.sort} to ${one.port} failed: ${one.failures[0]}`).join('; '))
    await followsChanges()
    const sum = of => running.reduce((total, one) => total + of(one), 0)
    return `${sum(one => one.sent)} requests over ${reloads} reloads, ${sum(one => one.again)} of HTTP/2 sent again, longest ${Math.round(Math.max(...running.map(one => one.longest)))} ms`
  },

  async 'a kept connection that is silent through a reload is answered by the worker that ends, by the mesh as it is then'() {
    if (!keepsConnections) return 'this nginx closes it: not tested'
    const agents = Array.from({ length: 8 }, () => new http.Agent({ keepAlive: true, maxSockets: 1 }))
    const change = async (name, wanted) => {
      await ask(15011, `/step/${name}`, { method: 'POST' })
      await everywhere(hostOf(10), wanted)
    }
    for (const agent of agents) must((await ask(18002, '/', { host: hostOf(10), agent })).status === 200, 'served')
    const before = generation(master())
    process.kill(master(), 'SIGHUP')
    await until('new processes', () => { const now = generation(master()); return now.workers.length === 2 && now.agent && now.agent !== before.agent })
    await change('one-virtual-service', 404)
    for (const agent of agents) {
      const { status, headers } = await ask(18002, '/', { host: hostOf(10), agent })
      must(status === 404 && headers.connection === 'close', () => `answered ${status}, connection: ${headers.connection}`)
    }
    await until('the old workers end', () => !before.workers.some(alive))
    await change('base', 200)
    return ''
  },

  async 'kill -9 of the process with the library: requests go on, its successor follows the mesh'() {
    const running = load()
    await running.more(50)
    const { agent } = generation(master())
    process.kill(agent, 'SIGKILL')
    await until('another agent', () => { const now = generation(master()).agent; return now && now !== agent })
    await running.more(100)
    const failures = await running.stop()
    must(failures.length === 0, () => `${failures.length} of ${running.sent} requests failed: ${failures[0]}`)
    await until('the library follows its source', async () => (await status()).library?.state === 'connected')
    await followsChanges()
    return `${running.sent} requests`
  },

  async 'kill -9 of a worker: no more is lost than what it was answering, its successor serves'() {
    const running = load()
    await running.more(50)
    const { workers } = generation(master())
    process.kill(workers[0], 'SIGKILL')
    await until('another worker', () => generation(master()).workers.filter(alive).length === 2 && !generation(master()).workers.includes(workers[0]))
    await running.more(100)
    const failures = await running.stop()
    must(failures.length <= connections, () => `${failures.length} of ${running.sent} requests failed: ${failures[0]}`)
    await followsChanges()
    return `${failures.length} of ${running.sent} requests lost with the process`
  },

  async 'a library that is replaced: the old one runs on untouched, a reload runs the new one'() {
    const file = path.join(folder, 'lib/libxds.so')
    const mapped = pid => { const line = read(`/proc/${pid}/maps`).split('\n').find(one => one.includes('/libxds.so')); return line && Number(line.split(/\s+/)[4]) }
    const before = generation(master()).agent
    const old = fs.statSync(file).ino
    const { library_version: oldVersion, epoch: oldEpoch } = (await status()).library
    fs.copyFileSync(nextLibrary ?? library, file + '.new')
    if (!nextLibrary) fs.appendFileSync(file + '.new', 'another file')
    fs.renameSync(file + '.new', file)
    const fresh = fs.statSync(file).ino
    must(fresh !== old && mapped(before) === old, 'the running process keeps the file that it had')
    await followsChanges()
    must((await status()).library.library_version === oldVersion, 'until a reload the old one is at work')
    const running = load()
    process.kill(master(), 'SIGHUP')
    await until('another agent', () => { const now = generation(master()).agent; return now && now !== before && mapped(now) === fresh })
    await until('the status is the new one\'s', async () => (await status()).library.epoch > oldEpoch)
    await until('the old one ends', () => !alive(before))
    await running.more(50)
    const failures = await running.stop()
    must(failures.length === 0, () => `${failures.length} of ${running.sent} requests failed: ${failures[0]}`)
    await followsChanges()
    const { library_version: newVersion } = (await status()).library
    must(!nextLibrary === (newVersion === oldVersion), () => `the status says ${newVersion}, before it said ${oldVersion}`)
    return `${oldVersion}, then ${newVersion}`
  },

  async 'a binary upgrade under load fails no request: two generations, then the new one alone'() {
    const running = load()
    await running.more(50)
    const old = master()
    process.kill(old, 'SIGUSR2')
    await until('a new master', () => master() !== old && alive(master()))
    const fresh = master()
    await until('its processes', () => generation(fresh).workers.length === 2 && generation(fresh).agent)
    await until('its library', () => errors(new RegExp(`${generation(fresh).agent}#.*xDS library started`)).length > 0)
    await running.more(200)
    must(generation(old).workers.length === 2, 'the old workers are there')
    process.kill(old, 'SIGWINCH')
    await until('the old workers are gone', () => generation(old).workers.length === 0)
    await running.more(100)
    process.kill(old, 'SIGQUIT')
    await until('the old master is gone', () => !alive(old))
    await running.more(100)
    const failures = await running.stop()
    must(failures.length === 0, () => `${failures.length} of ${running.sent} requests failed: ${failures[0]}`)
    await followsChanges()
    return `${running.sent} requests`
  },

  async 'a start while the control plane is away serves the last good state, and says so'() {
    await until('the state is on disk', () => fs.existsSync(path.join(folder, 'state')))
    await stopApisix()
    await stopReplay()
    const said = () => errors(/no control plane has answered yet/).length
    const before = said()
    await startApisix()
    const { library } = await status()
    must(library.state !== 'connected' && library.serving_state_of, () => JSON.stringify(library))
    must(said() === before + 1, 'the error log says so')
    startReplay()
    await until('the control plane is followed', async () => { const now = (await status()).library; return now.state === 'connected' && !now.serving_state_of })
    await followsChanges()
    return `of ${library.serving_state_of}`
  },

  async 'without its library APISIX runs, nothing is started over and over, and one error says why'() {
    await stopApisix()
    fs.renameSync(path.join(folder, 'lib/libxds.so'), path.join(folder, 'lib/away.so'))
    const before = errors(/no xDS library/).length
    start('apisix', 'openresty', ['-p', prefix, '-c', path.join(prefix, 'conf/nginx.conf')])
    await until('the status says why', async () => /libxds.so/.test((await ask(15080, '/v1/amesh/status')).body))
    await until('its processes', () => { const now = generation(master()); return now.agent && now.workers.length === 2 })
    const processes = generation(master())
    for (let i = 0; i < 20; i++) {
      const answer = await ask(18001, '/', { host: hostOf(1) })
      must(answer.status === 503, () => `answered ${answer.status}`)
      await sleep(100)
    }
    const now = generation(master())
    must(now.agent === processes.agent && now.workers.join() === processes.workers.join(), 'the same processes')
    must(errors(/no xDS library/).length === before + 1, 'one error')
    fs.renameSync(path.join(folder, 'lib/away.so'), path.join(folder, 'lib/libxds.so'))
    process.kill(master(), 'SIGHUP')
    await served()
    return ''
  },

  async 'no process has died of a signal that was not sent here'() {
    // kill -9 of an agent and of a worker
    const died = errors(/exited on signal/).filter(line => !line.includes('signal 9'))
    must(died.length === 0, died[0])
    return ''
  },
}

async function main() {
  fs.mkdirSync(path.join(folder, 'logs'))
  fs.writeFileSync(path.join(folder, 'backend.conf'), `worker_processes 1; pid ${folder}/backend.pid; error_log ${folder}/backend.err;
events { worker_connections 4096; }
http { access_log off; server { listen 8080; location / { return 200 "ok"; } } }`)
  start('backend', 'openresty', ['-p', folder, '-g', 'daemon off;', '-c', path.join(folder, 'backend.conf')])
  startReplay()
  layOut()
  await until('the control plane answers', async () => (await ask(15011, '/state')).status === 200)
  await startApisix()

  let passed = 0
  let failed = 0
  for (const [name, test] of Object.entries(tests)) {
    try {
      const said = await test()
      passed++
      console.log(`passed ${name}${said ? ` (${said})` : ''}`)
    } catch (error) {
      failed++
      console.log(`FAILED ${name}: ${error.message}`)
    }
  }
  console.log(`${passed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}

let code = 1
try {
  code = await main()
} catch (error) {
  console.log(`FAILED ${error.message}`)
} finally {
  const last = master()
  if (last && alive(last)) process.kill(last, 'SIGTERM')
  for (const child of children) child.kill('SIGTERM')
  await sleep(1000)
  if (process.env.KEEP) console.log(`kept ${folder}`)
  else fs.rmSync(folder, { recursive: true, force: true })
}
process.exit(code)
