// Hand-written cases: every file of cases/ becomes a mesh in Envoy's own words, the real library translates it in a real nginx,
// and every request's answer is compared with what Envoy would do. Last line: "N passed, N failed".
//
//   node run.mjs [--target gateway|apisix] [--keep] [FILE[/CASE]...]
//
// AMESH_LIBRARY: libxds.so (artifacts/libxds.so). Target apisix: APISIX_HOME, and its openresty on the PATH; AMESH_HTTP_ONLY=yes
// for a runtime of APISIX before 3.11. Needs root, for a network of its own.
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { send } from './lib/client.mjs'
import { differences } from './lib/compare.mjs'
import { startEndpoints } from './lib/endpoints.mjs'
import { checksOf, setHealth } from './lib/health.mjs'
import { startGateway } from './lib/gateway.mjs'
import { meshOf } from './lib/mesh.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))
if (process.env.AMESH_CASES_INSIDE !== 'yes') {
  const inside = spawnSync('unshare', ['--net', process.execPath, ...process.argv.slice(1)], {
    stdio: 'inherit', env: { ...process.env, AMESH_CASES_INSIDE: 'yes' },
  })
  process.exit(inside.status ?? 1)
}

const wanted = []
let target = 'gateway'
let keep = false
for (let i = 2; i < process.argv.length; i++) {
  if (process.argv[i] === '--target') target = process.argv[++i]
  else if (process.argv[i] === '--keep') keep = true
  else wanted.push(process.argv[i])
}

const isWanted = (file, name) => wanted.length === 0 || wanted.some(one => one === file || one === `${file}/${name}`)

async function readCases() {
  const cases = []
  for (const entry of fs.readdirSync(path.join(here, 'cases')).sort()) {
    const file = entry.replace(/\.mjs$/, '')
    const { default: list } = await import(path.join(here, 'cases', entry))
    for (const one of list) {
      if (isWanted(file, one.name) && !(one.not_on ?? []).includes(target)) cases.push({ ...one, file, number: cases.length })
    }
  }
  return cases
}

// milliseconds
const PATIENCE = 10000

let passed = 0
let failed = 0
function result(title, problems) {
  if (problems.length === 0) passed++
  else {
    failed++
    console.log(`FAILED ${title}\n${problems.map(line => `    ${line}`).join('\n')}`)
  }
}

// Copies may come after the answer.
async function settled(want, answer) {
  for (let i = 0; want.arrival && i < 400 && answer.arrival() !== want.arrival; i++) await sleep(50)
  const inTime = () => answer.reached.length >= want.reached_soon.length && (want.copied === undefined || answer.length() === want.copied)
  for (let i = 0; want.reached_soon && i < 400 && !inTime(); i++) await sleep(50)
}

// Until it holds: which endpoints eight times as many requests as there are endpoints come to, and how often they have been checked.
async function soon(request, one) {
  const { served_by, status, checks } = request.soon
  const before = checks ? checksOf(checks.of) : 0
  let problems
  for (let i = 0; i < PATIENCE / 100; i++) {
    problems = []
    const answers = checks ? [] : await Promise.all(Array.from({ length: 24 }, () => send(request.send ?? {}, one)))
    const came = [...new Set(answers.map(answer => answer.seen?.served_by ?? answer.status))].sort()
    const wanted = served_by ?? [status]
    if (!checks && came.join() !== wanted.join()) problems.push(`served by: wanted ${wanted}, got ${came}`)
    if (checks && checksOf(checks.of) - before < checks.more) problems.push(`checks: wanted ${checks.more}, got ${checksOf(checks.of) - before}`)
    if (problems.length === 0) return []
    await sleep(100)
  }
  return problems
}

async function run(one) {
  for (const [index, request] of one.requests.entries()) {
    const title = `${one.file}/${one.name}` + (one.requests.length > 1 ? ` [${index}]` : '')
    const problems = []
    try {
      for (const [cluster, address, status] of request.health ?? []) setHealth(cluster, address, status)
      if (request.soon) problems.push(...await soon(request, one))
      for (let i = 0; i < (request.times ?? 1) && !request.soon && problems.length === 0; i++) {
        const answer = await send(request.send ?? {}, one)
        await settled(request.want, answer)
        problems.push(...differences(request.want, answer))
      }
    } catch (error) {
      problems.push(String(error.stack ?? error))
    }
    result(title, problems)
  }
}

spawnSync('ip', ['link', 'set', 'lo', 'up'])
const cases = await readCases()
const endpoints = await startEndpoints()
const gateway = await startGateway(target, meshOf(cases), keep)
try {
  // one after the other, but for those that wait
  const slow = cases.filter(one => one.slow)
  const all = slow.map(run)
  for (const one of cases.filter(one => !one.slow)) await run(one)
  await Promise.all(all)
} finally {
  await gateway.stop()
  endpoints.close()
}
console.log(`${passed} passed, ${failed} failed`)
process.exit(failed === 0 ? 0 : 1)
