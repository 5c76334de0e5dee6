// What an answer lacks of what is wanted. want: { status, body, cut, headers, trailers, settings (of HTTP/2), seen: { path, host, method, headers,
// body, http, served_by }, reached: number or addresses,
// reached_soon: sorted addresses, arrival: what of the request's body came to the endpoint, in the end ('whole', 'aborted', 'comes'), copied: how much of
// it came there last, seconds: [from, to] }. A header that must not be there is null; a
// regular expression is matched; a function is asked.
import { isDeepStrictEqual } from 'node:util'

const show = value => value instanceof RegExp ? String(value) : JSON.stringify(value)

function fits(wanted, got) {
  if (wanted === null) return got === undefined
  if (wanted instanceof RegExp) return typeof got === 'string' && wanted.test(got)
  if (typeof wanted === 'function') return wanted(got)
  return isDeepStrictEqual(wanted, got)
}

export function differences(want, got) {
  const problems = []
  const check = (what, wanted, value) => {
    if (!fits(wanted, value)) problems.push(`${what}: wanted ${show(wanted)}, got ${show(value)}`)
  }
  const each = (what, wanted, values) => Object.entries(wanted ?? {}).forEach(([name, value]) => check(`${what} ${name}`, value, values?.[name]))

  check('status', want.status ?? 200, got.status)
  if ('body' in want) check('body', want.body, got.body)
  if ('cut' in want) check('cut', want.cut, got.cut)
  each('header', want.headers, got.headers)
  each('trailer', want.trailers, got.trailers)
  each('setting', want.settings, got.settings)
  if (want.seen) {
    const { headers, host, ...rest } = want.seen
    if (!got.seen) problems.push(`no endpoint answered: ${show(got.body)}`)
    else {
      each('seen', rest, got.seen)
      each('seen header', headers, got.seen.headers)
      if (host !== undefined) check('seen host', host, (got.seen.authority ?? got.seen.headers.host)?.replace(/:2\d{4}$/, ''))
    }
  }
  if (typeof want.reached === 'number') check('tries', want.reached, got.reached.length)
  else if (want.reached) check('reached', want.reached, got.reached)
  if (want.reached_soon) check('reached', want.reached_soon, [...got.reached].sort())
  if (want.arrival) check('arrival', want.arrival, got.arrival())
  if (want.copied !== undefined) check('copied', want.copied, got.length())
  if (want.seconds && (got.seconds < want.seconds[0] || got.seconds > want.seconds[1])) {
    problems.push(`seconds: wanted ${want.seconds.join(' to ')}, got ${got.seconds}`)
  }
  return problems
}
