import { expect, it } from 'vitest'
import { rowsOf } from './rows-of.ts'

it('A run of which nothing came of has no figure, and says so in every row', () => {
  const { card, rows } = rowsOf({ bench: { decode: 'garbled' }, loading: { loads: [{}] } }, [])
  expect(card).toBeNull()
  expect(rows.map(({ value, met }) => [value, met])).toEqual(rows.map(() => [null, null]))
})

it('Rows are read from what the parts wrote, the best of decoding and the worst of memory', () => {
  const { card, rows } = rowsOf(
    {
      bench: {
        device: { adapter: 'a card' },
        decode: {
          recorded: null,
          plain: { tokensPerSecond: 310, dispatches: 160, submits: 2, bytesRead: 16 },
        },
        firstToken: { warm: 90 },
      },
      beside: {
        load: { ours: { loadMs: 2000 }, transformers: { loadMs: 5000 } },
        beside: {
          ours: { decode: { ms: 4 }, secondTokenMs: 9000 },
          transformers: { decode: { ms: 30 }, secondTokenMs: 8100 },
        },
      },
      loading: {
        loads: [
          { ms: 9500, renderer: { aboveIdle: 610 } },
          { ms: 8000, renderer: { aboveIdle: 400 } },
        ],
      },
      converting: { converted: { readMegabytesPerSecond: 120 } },
    },
    [],
  )
  expect(card).toBe('a card')
  const told = rows.flatMap(({ measure, value, met }) => (value === null ? [] : [[measure, value, met]]))
  expect(told).toEqual([
    ['decode, whole app path, greedy', 310, true],
    ['beside transformers.js, same weights, decoder alone', 7.5, true],
    ["loading the decoder, transformers.js's time by ours", 2.5, true],
    ["from its loading to the second token, transformers.js's time by ours", 0.9, false],
    ['dispatches per token', 160, true],
    ['submits per token', 2, false],
    ['read back per greedy token', 16, true],
    ['first word of a picture, warm', 90, false],
    ['load, from IndexedDB', 8000, true],
    ["page's process above idle, the most of all loads", 610, false],
    ['converting in the browser', 120, true],
  ])
})

it('What a part wrote before it was ended counts, and a row without a figure says why', () => {
  const { rows } = rowsOf(
    { converting: { converted: { readMegabytesPerSecond: 120 } }, bench: { followUp: { ms: 9 } } },
    [
      { part: 'bench', ended: 'whole', seconds: 9 },
      {
        part: 'loading',
        ended: 'with a failure',
        said: 'TypeError: fetch failed\n    at load (engine.ts:1)\n\nNode.js v26\n',
      },
      {
        part: 'converting',
        ended: 'at its limit',
        seconds: 60.2,
        said: 'converted\nwritten to /tmp/a.json\n',
      },
      { part: 'software', ended: 'not begun' },
    ],
  )
  expect(
    Object.fromEntries(rows.map(({ measure, value, notMeasured }) => [measure, value ?? notMeasured])),
  ).toMatchObject({
    'follow-up question, first word': 9,
    'vision encoder': 'bench ended whole: it wrote no such figure',
    "vision encoder, ONNX Runtime's time by our kernels'":
      'bench ended whole: kernels of our own are not measured for the vision encoder on this adapter',
    'beside transformers.js, same weights, decoder alone': 'beside was not asked for',
    'load, from IndexedDB': 'loading failed: TypeError: fetch failed',
    'converting in the browser': 120,
    'download into IndexedDB': 'converting was ended at its limit of 60 s, behind: converted',
    'software adapter, step of the built-in model': 'software was not begun',
  })
  for (const { value, notMeasured } of rows) expect(value === null).toBe(notMeasured !== null)
})
