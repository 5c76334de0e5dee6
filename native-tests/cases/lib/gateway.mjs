// Starts the test gateway, or a real APISIX, with the mesh in a file, or of a control plane.
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { GATEWAY } from './client.mjs'

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..')
const library = process.env.AMESH_LIBRARY ?? path.join(root, 'artifacts/libxds.so')
const CONTROL = 15099
const HTTP_ONLY = process.env.AMESH_HTTP_ONLY === 'yes'
const NODE = { id: 'sidecar~127.0.0.1~cases.default~default.svc.cluster.local', cluster: 'cases.default' }

// somebody who wants a body before the mesh does, as plugins do
const READS_FIRST = 'rewrite_by_lua_block { if ngx.var.http_x_read_first then ngx.req.read_body() end }'

const get = url => new Promise((done, failed) => {
  http.get(url, response => {
    let text = ''
    response.on('data', part => { text += part }).on('end', () => done(text))
  }).on('error', failed)
})

function testGateway(folder, source) {
  const more = path.join(folder, 'http.conf')
  fs.writeFileSync(more, READS_FIRST)
  return spawn(path.join(root, 'native-tests/gateway/start.sh'), [path.join(folder, 'gateway')], {
    env: {
      ...process.env, AMESH_LIBRARY: library, AMESH_SOURCE: source, AMESH_OPTIONS: JSON.stringify({ source, node: NODE }), GATEWAY_WORKERS: '1',
      GATEWAY_USER: 'root', GATEWAY_HTTP_CONF: more,
    },
    stdio: 'ignore',
  })
}

function apisix(folder, source) {
  const home = process.env.APISIX_HOME
  const prefix = path.join(folder, 'apisix')
  fs.mkdirSync(path.join(prefix, 'conf'), { recursive: true })
  fs.mkdirSync(path.join(prefix, 'logs'))
  for (const part of ['apisix', 'bin', 'deps']) {
    if (fs.existsSync(path.join(home, part))) fs.symlinkSync(path.join(home, part), path.join(prefix, part))
  }
  spawnSync('sh', ['-c', `cp -r '${home}'/conf/. '${prefix}/conf/' && rm -f '${prefix}'/conf/*.sock '${prefix}'/conf/apisix.yaml`])
  const config = HTTP_ONLY ? 'config-http.yaml' : 'config.yaml'
  const text = fs.readFileSync(path.join(root, 'apisix-patch', config), 'utf8').replaceAll('/usr/local/amesh', root)
    .replace(/^apisix:\n/m, `apisix:
  enable_control: true
  control: {ip: 127.0.0.1, port: ${CONTROL}}
  proxy_cache: {zones: [{name: disk_cache_one, memory_size: 1m, disk_size: 1m, disk_path: "${folder}/cache", cache_levels: "1:2"}]}
`)
    .replace(/^ {4}source: .*/m, `    source: "${source}"\n    library: "${library}"\n    node: ${JSON.stringify(NODE)}`)
    .replace(/^nginx_config:\n/m, 'nginx_config:\n  user: root\n  worker_processes: 1\n  error_log_level: info\n  worker_rlimit_nofile: 20000\n')
    .replace(/^ {2}http_server_configuration_snippet: \|\n/m, line => `${line}    ${READS_FIRST}\n`)
    // shorter than any case waits: those in amesh-locations.conf count
    .replace(/^ {2}http:\n/m, '  http:\n    client_body_timeout: 1s\n    send_timeout: 1s\n    keepalive_timeout: 1s\n')
  fs.writeFileSync(path.join(prefix, 'conf/config.yaml'), /^ {2}ssl:/m.test(text) ? text : text.replace(/^apisix:\n/m, 'apisix:\n  ssl: {enable: false}\n'))
  const init = spawnSync('bash', ['./bin/apisix', 'init'], { cwd: prefix, encoding: 'utf8' })
  if (init.status !== 0) throw new Error(init.stdout + init.stderr)
  return spawn('openresty', ['-p', prefix, '-c', path.join(prefix, 'conf/nginx.conf'), '-g', 'daemon off;'], { stdio: 'ignore' })
}

const statusOf = async target => JSON.parse(await get(target === 'apisix' ? `http://127.0.0.1:${CONTROL}/v1/amesh/status` : 'http://127.0.0.1:15080/status'))

async function isReady(target) {
  const status = await statusOf(target)
  if (target === 'apisix') return status.commit > 0
  return Object.entries(status).some(([name, value]) => name.startsWith('worker') && JSON.stringify(value).match(/[1-9]/)) || status.applied > 0
}

// mesh: resources as JSON, or the address of a control plane
export async function startGateway(target, mesh, keep) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'amesh-cases-'))
  fs.chmodSync(folder, 0o755)
  let source = mesh
  if (typeof mesh !== 'string') {
    fs.mkdirSync(path.join(folder, 'mesh'))
    fs.writeFileSync(path.join(folder, 'mesh/mesh.json'), JSON.stringify(mesh, null, 1))
    source = `file:${path.join(folder, 'mesh')}`
  }

  if (target === 'apisix' && !HTTP_ONLY) GATEWAY.port = 15080
  const process_ = (target === 'apisix' ? apisix : testGateway)(folder, source)
  const deadline = Date.now() + 90000
  while (!await isReady(target).catch(() => false)) {
    if (Date.now() > deadline || process_.exitCode !== null) throw new Error(`the gateway is not ready; look into ${folder}`)
    await sleep(50)
  }
  await sleep(300)
  return {
    status: () => statusOf(target),
    stop: async () => {
      process_.kill('SIGTERM')
      await new Promise(done => process_.once('exit', done))
      if (keep) console.log(`kept ${folder}`)
      else fs.rmSync(folder, { recursive: true, force: true })
    },
  }
}
