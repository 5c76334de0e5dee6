const late = { 'x-answer-after': 3000 }

export default [
  {
    name: 'a body that stops coming is cut when the time is over',
    slow: true,
    action: { timeout: '0.6s' },
    requests: [{ send: { headers: { 'x-answer-half': 'yes' } }, want: { status: 200, cut: true, seconds: [0.5, 2] } }],
  },
  {
    name: 'the whole stream',
    slow: true,
    action: { max_stream_duration: { max_stream_duration: '0.5s' }, timeout: '0.1s' },
    requests: [
      { send: { headers: late }, want: { status: 504, body: 'downstream duration timeout', seconds: [0.4, 2] } },
      { send: { headers: { 'x-answer-after': 250 } }, want: { status: 200 } },
    ],
  },
  {
    name: 'a stream without a byte',
    slow: true,
    action: { idle_timeout: '0.5s', timeout: '0s' },
    requests: [
      { send: { headers: late }, want: { status: 504, seconds: [0.4, 2] } },
      { send: { headers: { 'x-answer-half': 'yes' } }, want: { status: 200, cut: true, seconds: [0.4, 2] } },
    ],
  },
]
