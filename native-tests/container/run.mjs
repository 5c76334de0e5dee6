// The container's entry point with a real APISIX, in a network namespace with Istio's rules and a read-only root file system: of an
// installation (APISIX_HOME), in a mounted image (--root FOLDER), or in podman (--image NAME). See README.md.
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const here = path.dirname(fileURLToPath(import.meta.url))
const root = path.resolve(here, '../..')
const image = process.argv[2] === '--root' ? process.argv[3] : undefined
const engineImage = process.argv[2] === '--image' ? process.argv[3] : undefined
const engine = (process.env.AMESH_PODMAN ?? 'podman').split(' ')
const home = process.env.APISIX_HOME
const amesh = process.env.AMESH ?? path.join(root, 'artifacts/bin/Amesh.Cli/release/amesh')
const library = process.env.AMESH_LIBRARY ?? path.join(root, 'artifacts/libxds.so')
const recording = path.join(root, 'samples/istio/bookinfo')
const CONTROL_PLANE = '10.77.0.1'
const RATINGS = { service: '10.96.1.4', endpoint: '127.0.6.1', port: 9080 }

if (!image && !engineImage && !home) {
  console.log('neither APISIX_HOME nor --root nor --image: nothing is tested')
  process.exit(0)
}
if (process.env.AMESH_CONTAINER_INSIDE !== 'yes') {
  const inside = spawnSync('unshare', ['--net', '--mount', process.execPath, ...process.argv.slice(1)], { stdio: 'inherit', env: { ...process.env, AMESH_CONTAINER_INSIDE: 'yes' } })
  process.exit(inside.status ?? 1)
}

const folder = fs.mkdtempSync('/var/tmp/amesh-container-')
const volume = path.join(folder, 'volume')
const children = []
const sleep = ms => new Promise(done => setTimeout(done, ms))
const read = file => { try { return fs.readFileSync(file, 'utf8') } catch { return '' } }

function must(condition, text) {
  if (!condition) throw new Error(typeof text === 'function' ? text() : text)
}
async function until(what, condition, limit = 40000) {
  const deadline = Date.now() + limit
  while (Date.now() < deadline) {
    if (await Promise.resolve().then(condition).catch(() => false)) return
    await sleep(50)
  }
  throw new Error(`gave up waiting: ${what}\n${read(path.join(folder, 'proxy.log')).slice(-2000)}`)
}
function command(line) {
  const ended = spawnSync('sh', ['-ec', line], { encoding: 'utf8' })
  must(ended.status === 0, `${line}: ${ended.stderr}`)
  return ended.stdout
}
function start(name, program, args, options = {}) {
  const log = fs.openSync(path.join(folder, name + '.log'), 'a')
  // as a runtime makes it the user's
  fs.fchmodSync(log, 0o666)
  const child = spawn(program, args, { stdio: ['ignore', log, log], ...options })
  children.push(child)
  return child
}
function ask(port, url, { address = '127.0.0.1', method = 'GET', host } = {}) {
  return new Promise((done, failed) => {
    const request = http.request({ host: address, port, path: url, method, headers: host ? { host } : {}, agent: false }, response => {
      let body = ''
      response.on('data', part => { body += part })
      response.on('end', () => done({ status: response.statusCode, body }))
    })
    request.on('error', failed)
    request.end()
  })
}
const ratings = url => ask(RATINGS.port, url, { address: RATINGS.service, host: 'ratings:9080' })

// As Istio's init container makes them, but for IPv6. What user 1337 sends goes its way, everything else to the proxy.
function capture() {
  command(`ip link set lo up
ip address add ${CONTROL_PLANE}/32 dev lo
ip route add default dev lo
iptables -w -t nat -N ISTIO_REDIRECT
iptables -w -t nat -A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001
iptables -w -t nat -N ISTIO_OUTPUT
iptables -w -t nat -A OUTPUT -p tcp -j ISTIO_OUTPUT
iptables -w -t nat -A ISTIO_OUTPUT -o lo -s 127.0.0.6/32 -j RETURN
iptables -w -t nat -A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN
iptables -w -t nat -A ISTIO_OUTPUT -d 127.0.0.0/8 -j RETURN
iptables -w -t nat -A ISTIO_OUTPUT -j ISTIO_REDIRECT`)
}

// The application: answers at once, or after a while for /slow.
function application() {
  const asked = []
  http.createServer((request, response) => {
    asked.push(request.url)
    setTimeout(() => response.end(`ratings ${request.url}`), request.url === '/slow' ? 1500 : 0)
  }).listen(RATINGS.port, RATINGS.endpoint)
  return asked
}

// What stands for the image where there is none: Amesh's files at one place, and commands for APISIX and nginx.
function layOut() {
  fs.mkdirSync(volume)
  fs.chmodSync(folder, 0o755)
  // as an emptyDir is
  fs.chmodSync(volume, 0o777)
  if (image || engineImage) return
  const place = path.join(folder, 'amesh')
  for (const part of ['container', 'apisix-patch', 'lua']) fs.cpSync(path.join(root, part), path.join(place, part), { recursive: true })
  fs.copyFileSync(library, path.join(place, 'libxds.so'))
  fs.mkdirSync(path.join(folder, 'bin'))
  fs.writeFileSync(path.join(folder, 'bin/apisix'), `#!/bin/sh\nexec bash '${home}/bin/apisix' "$@"\n`, { mode: 0o755 })
  command(`chmod -R go=rX '${place}'`)
}

// The container: mounts and processes of its own, a root file system that nobody can write to, one volume, user 1337. Its first
// process is the entry point's. It ends with its first process.
function container(verb, variables = {}) {
  const environment = { AMESH_SOURCE: `grpc://${CONTROL_PLANE}:15010`, ...node, ...variables }
  if (engineImage) {
    name = `amesh-test-${process.pid}-${names.length}`
    names.push(name)
    const said = Object.entries(environment).flatMap(([key, value]) => ['--env', `${key}=${value}`])
    return start('proxy', engine[0], [...engine.slice(1), 'run', '--name', name, '--rm', '--network', 'host', '--read-only', '--read-only-tmpfs=false', '--cap-drop', 'all',
      '--security-opt', 'no-new-privileges', '--ulimit', 'nofile=4096:4096', '--ulimit', 'nproc=1000:1000', '--volume', `${volume}:/run/amesh`, ...said, engineImage, ...verb])
  }
  const said = Object.entries(environment).map(([name, value]) => `${name}='${value}'`).join(' ')
  const quoted = verb.map(one => `'${one}'`).join(' ')
  const user = 'setpriv --reuid=1337 --regid=1337 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all'
  const script = image
    ? `mount --make-rprivate /
mount --bind '${image}' '${image}'
mount --rbind /dev '${image}/dev'
mount -t proc proc '${image}/proc'
mount --bind '${volume}' '${image}/run/amesh'
mount -o remount,bind,ro '${image}'
cd '${image}'
exec chroot . ${user} env -i PATH="$(cat ${folder}/path)" ${said} /usr/local/bin/amesh-proxy ${quoted}`
    : `mount --make-rprivate /
mount --bind '${volume}' '${volume}'
mount -t proc proc /proc
mount -o remount,bind,ro /
exec ${user} env -i PATH='${folder}/bin:${process.env.PATH}' AMESH_PREFIX='${folder}/amesh' APISIX_PREFIX='${home}' AMESH_RUN='${volume}' ${said} '${folder}/amesh/container/amesh-proxy.sh' ${quoted}`
  return start('proxy', 'unshare', ['--mount', '--pid', '--fork', '--kill-child', 'sh', '-ec', script])
}

// The entry point's other verbs, as `kubectl exec` and probes run them: they see the pod's network only.
function verb(...args) {
  return new Promise(done => {
    const [program, ...before] = engineImage ? [...engine, 'exec', name, 'amesh-proxy']
      : ['bash', image ? path.join(image, 'usr/local/amesh/container/amesh-proxy.sh') : path.join(folder, 'amesh/container/amesh-proxy.sh')]
    const child = spawn(program, [...before, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', part => { output += part })
    child.stderr.on('data', part => { output += part })
    child.on('exit', code => done({ code, output }))
  })
}

const childrenOf = pid => read(`/proc/${pid}/task/${pid}/children`).split(' ').filter(Boolean).map(Number)
const all = pid => childrenOf(pid).flatMap(child => [child, ...all(child)])
const master = () => engineImage ? Number(spawnSync(engine[0], [...engine.slice(1), 'inspect', '--format', '{{.State.Pid}}', name], { encoding: 'utf8' }).stdout) : childrenOf(proxy.pid)[0]
const called = pid => read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')
async function ended(child, limit = 30000) {
  await until('the container ends', () => child.exitCode !== null || child.signalCode !== null, limit)
  return child.exitCode ?? child.signalCode
}

// TLS before the control plane, which lets in who has a token.
let front
async function startFront(token) {
  const files = path.join(folder, 'front')
  if (!front) {
    command(`mkdir -p '${files}' && cd '${files}'
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=root 2>/dev/null
openssl req -newkey rsa:2048 -nodes -keyout key.pem -out request.pem -subj /CN=istiod 2>/dev/null
echo 'subjectAltName=IP:${CONTROL_PLANE}' >names
openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names -out cert.pem 2>/dev/null
cp ca.pem '${volume}/ca.pem'`)
  } else {
    front.kill('SIGTERM')
    await ended(front)
  }
  fs.writeFileSync(path.join(files, 'nginx.conf'), `daemon off; worker_processes 1; pid ${files}/pid; error_log ${files}/error.log; events {}
http { access_log off; client_body_temp_path ${files}/body; client_max_body_size 0;
  server { listen ${CONTROL_PLANE}:15012 ssl http2; ssl_certificate ${files}/cert.pem; ssl_certificate_key ${files}/key.pem;
    set $said "$http_authorization/$http_clusterid"; if ($said != "Bearer ${token}/Kubernetes") { return 401; }
    location / { grpc_pass 127.0.0.1:15010; grpc_read_timeout 1h; grpc_send_timeout 1h; client_body_timeout 1h; } } }`)
  front = start('front', 'nginx', ['-p', files, '-e', path.join(files, 'error.log'), '-c', path.join(files, 'nginx.conf')])
}

let replay, proxy, asked, name
const names = []
// what Istio's injector says of the pod, here the one that was recorded
const node = {
  POD_NAME: 'productpage-v1-0', POD_NAMESPACE: 'default', INSTANCE_IP: '127.0.1.1', SERVICE_ACCOUNT: 'bookinfo-productpage',
  ISTIO_META_CLUSTER_ID: 'Kubernetes', ISTIO_META_WORKLOAD_NAME: 'productpage-v1',
}
const startReplay = () => { replay = start('replay', amesh, ['replay', recording, '--bind', '0.0.0.0', '--port', '15010', '--http', '15011', '--step', 'all-v1']) }

const tests = {
  async 'it becomes ready when the mesh is there, and not before'() {
    proxy = container(['run'])
    await until('nginx answers', async () => (await ask(15021, '/healthz/ready')).status)
    const early = await ask(15021, '/healthz/ready')
    must(early.status === 503 && early.body.length > 0, () => `${early.status} ${early.body}`)
    startReplay()
    const waited = await verb('wait', '40')
    must(waited.code === 0, () => waited.output + read(path.join(folder, 'proxy.log')).slice(-3000))
  },

  async 'every process is of user 1337, nginx\'s master is the first one, and no log is a file'() {
    must(/nginx: master/.test(called(master())), () => called(master()))
    const processes = [master(), ...all(master())]
    // master, two workers, the privileged agent
    must(processes.length >= 4, () => processes.map(called).join('; '))
    for (const pid of processes) must(/^Uid:\t1337\t1337\t1337\t1337$/m.test(read(`/proc/${pid}/status`)), () => `${called(pid)}: ${read(`/proc/${pid}/status`)}`)
    const logs = fs.readdirSync(path.join(volume, 'apisix/logs')).filter(file => file.endsWith('.log') && file !== 'init.log')
    must(logs.length === 0, () => logs.join())
  },

  async 'the control plane is called past the rules, as the pod that it is'() {
    // the status is written a moment after what it tells of
    let said
    await until('the library says that it is connected', async () => { said = await verb('status'); return said.code === 0 && JSON.parse(said.output).library.state === 'connected' })
    must(read(path.join(folder, 'replay.log')).includes('sidecar~127.0.1.1~productpage-v1-0.default'), () => read(path.join(folder, 'replay.log')))
  },

  async 'a request of the application goes through it'() {
    const answer = await ratings('/1')
    must(answer.status === 200 && answer.body === 'ratings /1', () => `${answer.status} ${answer.body}`)
    must(asked.includes('/1'), 'the endpoint has it')
    await until('the access log', () => read(path.join(folder, 'proxy.log')).includes('/1'))
  },

  async 'metrics are where the mesh\'s Prometheus looks'() {
    await until('metrics', async () => /^apisix_amesh_connected.* 1$/m.test((await ask(15020, '/stats/prometheus')).body))
  },

  async 'SIGQUIT: a request on its way is answered, and the container ends by itself'() {
    await until('the state is on disk', () => fs.existsSync(path.join(volume, 'state')), 60000)
    const slow = ratings('/slow')
    await until('it is on its way', () => asked.includes('/slow'))
    process.kill(master(), 'SIGQUIT')
    const answer = await slow
    must(answer.status === 200, () => `${answer.status}`)
    const code = await ended(proxy)
    must(code === 0, () => `${code}`)
  },

  async 'a container that is started again while the control plane is away serves what it had, and says so'() {
    replay.kill('SIGKILL')
    await ended(replay)
    proxy = container(['run'])
    await until('nginx answers', async () => (await ask(15021, '/healthz/ready')).status)
    const waited = await verb('wait', '40')
    must(waited.code === 0, () => waited.output + read(path.join(folder, 'proxy.log')).slice(-3000))
    const { library } = JSON.parse((await verb('status')).output)
    must(library.state !== 'connected' && library.serving_state_of, () => JSON.stringify(library))
    const answer = await ratings('/2')
    must(answer.status === 200, () => `${answer.status} ${answer.body}`)
    startReplay()
    let now
    await until('the control plane is followed', async () => { now = JSON.parse((await ask(15004, '/v1/amesh/status')).body).library; return now.state === 'connected' && !now.serving_state_of })
      .catch(error => { throw new Error(`${error.message}\n${JSON.stringify(now)}`) })
  },

  async 'SIGTERM: it ends at once'() {
    process.kill(master(), 'SIGTERM')
    const code = await ended(proxy)
    must(code === 0, () => `${code}`)
  },

  async 'a control plane with TLS is called with the authority and the token that are mounted, each time with the token that is there'() {
    const inside = image || engineImage ? '/run/amesh' : volume
    fs.writeFileSync(path.join(volume, 'token'), 'first\n')
    fs.rmSync(path.join(volume, 'state'), { force: true })
    await startFront('first')
    proxy = container(['run'], { AMESH_SOURCE: `grpcs://${CONTROL_PLANE}:15012`, AMESH_CA: `${inside}/ca.pem`, AMESH_TOKEN: `${inside}/token` })
    await until('the mesh is there', async () => (await ask(15021, '/healthz/ready')).status === 200)
    must((await ratings('/tls')).status === 200, 'a request')
    const library = async () => JSON.parse((await ask(15004, '/v1/amesh/status')).body).library
    await until('the library says that it is there', async () => (await library()).state === 'connected')
    const { reconnects } = await library()
    fs.writeFileSync(path.join(volume, 'token'), 'second\n')
    await startFront('second')
    await until('it comes back with the other token', async () => { const now = await library(); return now.reconnects > reconnects && now.state === 'connected' })
    process.kill(master(), 'SIGTERM')
    await ended(proxy)
  },

  async 'under Istio\'s agent: started as Envoy, and it answers what the agent asks'() {
    fs.writeFileSync(path.join(volume, 'bootstrap.json'), JSON.stringify({ node: JSON.parse(read(path.join(recording, 'node.json'))) }))
    const bootstrap = path.join(image || engineImage ? '/run/amesh' : volume, 'bootstrap.json')
    proxy = container(['-c', bootstrap, '--drain-time-s', '45', '--disable-hot-restart', '-l', 'warning', '--concurrency', '1'], { POD_NAME: 'another' })
    await until('it is ready for the agent', async () => {
      const { body } = await ask(15000, '/stats?usedonly&filter=^(cluster_manager.cds|listener_manager.lds).(update_success|update_rejected)$')
      return /^cluster_manager.cds.update_success: 1$/m.test(body) && /^listener_manager.lds.update_success: 1$/m.test(body)
    })
    const { body } = await ask(15000, '/stats?usedonly&filter=^(server.state|listener_manager.workers_started)')
    must(/^server.state: 0$/m.test(body) && /^listener_manager.workers_started: 1$/m.test(body), body)
    must(/^listener.captured.downstream_cx_active: \d+$/m.test(body), body)
    must(all(master()).filter(pid => /worker process/.test(called(pid))).length === 1, 'one worker')
    must((await ratings('/3')).status === 200, 'a request')
    await until('metrics for the agent', async () => /^apisix_amesh_connected.* 1$/m.test((await ask(15092, '/stats/prometheus')).body))
    must((await ask(15000, '/drain_listeners?inboundonly&graceful', { method: 'POST' })).status === 200, 'drained')
    must((await ratings('/4')).status === 200, 'a request while it ends')
    process.kill(master(), 'SIGKILL')
    await ended(proxy)
  },
}

let passed = 0
let failed = 0
try {
  layOut()
  fs.writeFileSync(path.join(folder, 'path'), process.env.AMESH_IMAGE_PATH ?? '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/openresty/luajit/bin:/usr/local/openresty/nginx/sbin:/usr/local/openresty/bin')
  capture()
  asked = application()
  for (const [what, test] of Object.entries(tests)) {
    try {
      await test()
      passed++
      console.log(`passed ${what}`)
    } catch (error) {
      failed++
      console.log(`FAILED ${what}: ${error.message}`)
    }
  }
} catch (error) {
  failed++
  console.log(`FAILED ${error.message}`)
} finally {
  // --kill-child takes the container's processes along
  if (names.length > 0) spawnSync(engine[0], [...engine.slice(1), 'rm', '--force', '--ignore', ...names])
  for (const child of children) child.kill('SIGKILL')
  await sleep(500)
  if (process.env.KEEP) console.log(`kept ${folder}`)
  else fs.rmSync(folder, { recursive: true, force: true })
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
