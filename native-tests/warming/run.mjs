// Warming: a control plane changes a listener or a cluster and keeps back what that names; the real library in a real nginx goes on
// with what it has, and no request fails. Last line: "N passed, N failed".
//
//   node run.mjs [--target gateway|apisix] [--protocol delta|sotw] [--keep]
//
// AMESH_LIBRARY: libxds.so (artifacts/libxds.so). Target apisix: APISIX_HOME, and its openresty on the PATH. Needs root, for a network
// of its own. Both protocols unless one is named.
import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import os from 'node:os'
import path from 'node:path'
import readline from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { GATEWAY } from '../cases/lib/client.mjs'
import { startEndpoints } from '../cases/lib/endpoints.mjs'
import { startGateway } from '../cases/lib/gateway.mjs'
import { ADDRESSES } from '../cases/lib/mesh.mjs'
import { PORT, STEPS } from './mesh.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
if (process.env.AMESH_WARMING_INSIDE !== 'yes') {
  const inside = spawnSync('unshare', ['--net', process.execPath, ...process.argv.slice(1)], {
    stdio: 'inherit', env: { ...process.env, AMESH_WARMING_INSIDE: 'yes' },
  })
  process.exit(inside.status ?? 1)
}

const { values: options } = parseArgs({ options: { target: { type: 'string', default: 'gateway' }, protocol: { type: 'string' }, keep: { type: 'boolean', default: false } } })
const [ONE, TWO, THREE] = ADDRESSES
// milliseconds: how long what is named is kept back, and how long to wait for anything
const KEPT_BACK = 2000
const PATIENCE = 20000

async function until(what, condition) {
  const deadline = Date.now() + PATIENCE
  for (let last; ; last = await condition().catch(error => error.message)) {
    if (last === true) return
    if (Date.now() > deadline) throw new Error(`gave up waiting until ${what}: ${JSON.stringify(last)}`)
    await sleep(20)
  }
}

async function startControlPlane(folder, protocol) {
  const file = path.join(folder, 'mesh.json')
  fs.writeFileSync(file, JSON.stringify({ steps: STEPS }))
  const child = spawn(process.execPath, [path.join(here, '../control-plane/control-plane.mjs'), '--mesh', file, `--${protocol}-only`, '--exit-with-stdin'], { stdio: ['pipe', 'pipe', 'inherit'] })
  const { value } = await readline.createInterface(child.stdout)[Symbol.asyncIterator]().next()
  const [, port, httpPort] = value.split(' ')
  const post = async at => {
    const answer = await fetch(`http://127.0.0.1:${httpPort}${at}`, { method: 'POST' })
    if (!answer.ok) throw new Error(await answer.text())
  }
  return { address: `grpc://127.0.0.1:${port}`, post, stop: () => child.kill() }
}

// Which endpoint answers, or the status, or the error.
function ask(agent) {
  return new Promise(done => {
    const request = http.request({ ...GATEWAY, agent, headers: { host: `warming.test:${PORT}` } }, response => {
      let body = ''
      response.on('data', part => { body += part })
      response.on('end', () => done(response.statusCode === 200 ? JSON.parse(body).served_by : `status ${response.statusCode}`))
      response.on('error', error => done(error.code))
    })
    request.on('error', error => done(error.code))
    request.end()
  })
}

// Requests over new and over kept connections until stop(), which says how many came to what.
function load() {
  const seen = {}
  let stopped = false
  const kept = new http.Agent({ keepAlive: true })
  const clients = [false, false, kept, kept].map(async agent => {
    while (!stopped) {
      const answer = await ask(agent)
      seen[answer] = (seen[answer] ?? 0) + 1
      await sleep(5)
    }
  })
  return async () => {
    stopped = true
    await Promise.all(clients)
    kept.destroy()
    return seen
  }
}

let passed = 0
let failed = 0
async function test(title, body) {
  try {
    await body()
    passed++
    console.log(`ok     ${title}`)
  } catch (error) {
    failed++
    console.log(`FAILED ${title}\n    ${error.stack}`)
  }
}

async function run(protocol) {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'amesh-warming-'))
  const plane = await startControlPlane(folder, protocol)
  process.env.AMESH_PROTOCOL = protocol
  const gateway = await startGateway(options.target, plane.address, options.keep)
  const waiting = async kind => {
    const { library } = await gateway.status()
    // an empty list comes out of Lua as {}
    return Object.values(library[kind]).map(one => `${one.resource}: ${one.for}`)
  }

  // What is named is kept back; meanwhile all requests come to one endpoint, afterwards to another, and to nothing else ever.
  const keptBack = async (step, type, line, before, after) => {
    await until('the mesh is served', async () => await ask(false) === before)
    const stop = load()
    try {
      await plane.post(`/fault?kind=silent&type=${type}`)
      await plane.post(`/step/${step}`)
      await until('it warms', async () => { const now = await waiting('warming'); return now.join() === line || now })
      await sleep(KEPT_BACK)
      if (await ask(false) !== before) throw new Error(`not served by ${before} any more`)
      await plane.post('/fault?kind=none')
      await until('the new version is served', async () => { const now = await ask(false); return now === after || now })
      await until('nothing warms', async () => { const now = await waiting('warming'); return now.length === 0 || now })
    } finally {
      await plane.post('/fault?kind=none')
      const seen = await stop()
      const other = Object.keys(seen).filter(one => one !== before && one !== after)
      console.log(`       ${JSON.stringify(seen)}`)
      if (other.length > 0 || !seen[before]) throw new Error(`answers: ${JSON.stringify(seen)}`)
    }
  }

  try {
    await test(`${protocol}: a listener with new routes, which come ${KEPT_BACK} ms later`, () =>
      keptBack('listener', 'rds', 'listener warming: route configuration second', ONE, TWO))
    await test(`${protocol}: a cluster with new endpoints, which come ${KEPT_BACK} ms later`, () =>
      keptBack('cluster', 'eds', 'cluster two: endpoints of elsewhere', TWO, THREE))
    await test(`${protocol}: routes that never come are waited for no longer than initial_fetch_timeout says`, async () => {
      await plane.post('/fault?kind=silent&type=rds')
      await plane.post('/step/impatient')
      await until('there are no routes', async () => { const now = await ask(false); return now === 'status 404' || now })
      await until('that is told', async () => {
        const now = await waiting('incomplete')
        return now.join() === 'listener warming: route configuration third' || now
      })
    })
  } finally {
    await gateway.stop()
    plane.stop()
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

spawnSync('ip', ['link', 'set', 'lo', 'up'])
const endpoints = await startEndpoints()
for (const protocol of options.protocol ? [options.protocol] : ['delta', 'sotw']) await run(protocol)
endpoints.close()
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
