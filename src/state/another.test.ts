import { expect, it, vi } from 'vitest'
import {
  ANSWERED,
  answers,
  ask,
  currentTurns,
  questions,
  statuses,
  withPicture,
} from '../../testing/state/fake-browser.ts'
import { GREEDY } from '../pack/decoding.ts'
import { decodingKey } from './another.ts'

const settingsOf = (answer: Awaited<ReturnType<typeof withPicture>>['answer']): unknown[] =>
  answer.mock.calls.map(([{ settings }]) => settings.sampling)

it('An answer that is asked for again is sampled where the settings would give the same words', async () => {
  const { store, answer } = await withPicture()
  await ask(store, 'what is it?')
  const [, asked] = currentTurns(store)
  store.getState().askAgain(asked?.id ?? '', 'what is it?')
  await vi.waitFor(() => expect(answer).toHaveBeenCalledTimes(3))
  await vi.waitFor(() => expect(new Set(statuses(store))).toEqual(new Set(['done'])))
  expect(settingsOf(answer)).toEqual([null, null, expect.objectContaining({ topP: 0.9 })])
  expect(answers(store).at(-1)).toMatchObject({ facts: { varied: true } })
  // Drawn anew each time.
  store.getState().askAgain(currentTurns(store).at(-1)?.id ?? '', 'what is it?')
  await vi.waitFor(() => expect(answer).toHaveBeenCalledTimes(4))
  const [third, fourth] = settingsOf(answer).slice(2) as { seed: number }[]
  expect(third?.seed).not.toBe(fourth?.seed)
})

it('It is not where other words were asked, the settings are others by now, or nothing was said', async () => {
  const { store, answer } = await withPicture()
  answer.mockResolvedValueOnce({ ...ANSWERED, text: '' })
  await ask(store, 'what is it?')
  const again = async (question: string): Promise<void> => {
    const calls = answer.mock.calls.length
    store.getState().askAgain(currentTurns(store).at(-1)?.id ?? '', question)
    await vi.waitFor(() => expect(answer).toHaveBeenCalledTimes(calls + 1))
    await vi.waitFor(() => expect(new Set(statuses(store))).toEqual(new Set(['done'])))
  }
  await again('what is it?')
  await again('where is it?')
  store.getState().changeSettings({ preset: 'caption' })
  await again('where is it?')
  expect(settingsOf(answer)).toEqual([null, null, null, null, null])
  await again('where is it?')
  expect(settingsOf(answer).at(-1)).not.toBeNull()
})

it('Another caption hides no question that followed the first', async () => {
  const { store } = await withPicture()
  await ask(store, 'what is it?')
  const [caption] = currentTurns(store)
  store.getState().askAgain(caption?.id ?? '', null)
  await vi.waitFor(() => expect(new Set(statuses(store))).toEqual(new Set(['done'])))
  expect(currentTurns(store)[0]?.id).not.toBe(caption?.id)
  expect(questions(store)).toEqual([null, 'what is it?'])
  await ask(store, 'and where?')
  expect(questions(store)).toEqual([null, 'what is it?', 'and where?'])
  store.getState().showTurn(caption?.id ?? '')
  expect(currentTurns(store)[0]?.id).toBe(caption?.id)
  expect(questions(store)).toEqual([null, 'what is it?', 'and where?'])
})

it('An answer that is stopped before its first word keeps how long it took', async () => {
  const { store, answer } = await withPicture()
  answer.mockImplementationOnce(
    (_, __, signal) =>
      new Promise((resolve) =>
        signal.addEventListener('abort', () =>
          resolve({ ...ANSWERED, text: '', look: null, decodeMs: 0, prefillMs: 0, finish: 'stopped' }),
        ),
      ),
  )
  store.getState().changeDraft('what is it?')
  store.getState().send()
  await vi.waitFor(() => expect(answer).toHaveBeenCalledTimes(2))
  store.getState().stop()
  await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'done']))
  const stopped = answers(store).at(-1)
  // The clock of these pages goes on by 1 each time that somebody looks at it.
  expect(stopped?.status === 'done' && stopped.facts.tookMs).toBeGreaterThan(0)
})

it('What an answer is decoded with is told apart by every setting', () => {
  expect(decodingKey(GREEDY)).toBe(decodingKey({ ...GREEDY }))
  expect(decodingKey({ ...GREEDY, maxNewTokens: 31 })).not.toBe(decodingKey(GREEDY))
})
