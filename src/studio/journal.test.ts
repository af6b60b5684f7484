import { describe, expect, it } from 'vitest'
import { finishedLine, headLine, outcomeLine, readJournal, type Outcome, type RunHead } from './journal.ts'

const HEAD: RunHead = { key: 'k', startedAt: 1, format: 'csv', bom: true, columns: { model: 'm' } }
const OUTCOMES: Outcome[] = [
  { kind: 'captioned', path: 'a.png', before: '', text: 'eine Brücke 🎈', score: -0.5 },
  { kind: 'failed', path: 'b.png', failure: { code: 'bad-image', message: 'No.' } },
  { kind: 'kept', path: 'c.png', text: 'there' },
]
const WHOLE = new TextEncoder().encode([headLine(HEAD), ...OUTCOMES.map(outcomeLine)].join(''))

describe('the log of a run', () => {
  it('says what happened', () => {
    expect(readJournal(WHOLE)).toMatchObject({ head: HEAD, last: OUTCOMES[0], finished: false })
    expect([...(readJournal(WHOLE)?.outcomes.values() ?? [])]).toEqual(OUTCOMES)
    expect(readJournal(new TextEncoder().encode(headLine(HEAD) + finishedLine()))?.finished).toBe(true)
  })

  it('has nothing left to be written where what was captioned could not be', () => {
    const failed: Outcome = { kind: 'failed', path: 'a.png', failure: { code: 'bad-usage', message: 'No.' } }
    const run = readJournal(
      new TextEncoder().encode([headLine(HEAD), ...[...OUTCOMES, failed].map(outcomeLine)].join('')),
    )
    expect(run?.last).toBeNull()
    expect(run?.outcomes.get('a.png')).toEqual(failed)
  })

  it('cut off at any byte has every whole line and nothing of the half one', () => {
    const ends = [...WHOLE.keys()].filter((at) => WHOLE[at] === 10).map((at) => at + 1)
    for (let length = 0; length <= WHOLE.length; length += 1) {
      const lines = ends.filter((end) => end <= length)
      const run = readJournal(WHOLE.subarray(0, length))
      if (lines.length === 0) expect(run).toBeNull()
      else {
        expect(run?.wholeBytes).toBe(lines.at(-1))
        expect([...(run?.outcomes.values() ?? [])]).toEqual(OUTCOMES.slice(0, lines.length - 1))
      }
    }
  })

  it.each([
    'text\n',
    '{}\n',
    headLine(HEAD).replace('"csv"', '"none"'),
    `${headLine(HEAD)}{"kind":"captioned","path":"a"}\n`,
    `${headLine(HEAD)}half\n`,
  ])('%j is refused: nobody knows what was done', (text) => {
    expect(() => readJournal(new TextEncoder().encode(text))).toThrow(
      expect.objectContaining({ code: 'bad-file' }),
    )
  })
})
