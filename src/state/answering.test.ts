import { describe, expect, it, vi } from 'vitest'
import { AppError } from '../pack/failure.ts'
import {
  ANSWERED,
  answers,
  ask,
  openPage,
  loaded,
  picture,
  statuses,
  withPicture,
} from '../../testing/state/fake-browser.ts'

describe('an answer', () => {
  it('captions pictures one after the other, those that came before the model too', async () => {
    const { store, answer } = openPage()
    store.getState().addImages([picture('a'), picture('b')])
    expect(answer).not.toHaveBeenCalled()
    await store.getState().loadModel()
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'done']))
    expect(store.getState().announcement).toBe('b: a cat')
  })

  it('hands the picture and earlier turns to the model', async () => {
    const { store, answer } = await withPicture()
    await ask(store, ' what is it? ')
    await ask(store, 'why?')
    const [request] = answer.mock.calls.at(-1) ?? []
    expect(request).toMatchObject({
      asked: {
        kind: 'question',
        question: 'why?',
        earlier: [{ question: 'what is it?', answer: 'a cat' }],
      },
    })
    expect(await request?.picture.image.text()).toBe('a.png')
    expect(store.getState().drafts).toEqual({})
  })

  it('begins captions as the model was tuned to, unless a beginning was chosen', async () => {
    const { store, answer, load } = openPage()
    const model = loaded('one')
    load.mockResolvedValue({ ...model, manifest: { ...model.manifest, name: 'blip2-opt-2.7b-coco' } })
    await store.getState().loadModel()
    store.getState().addImages([picture('a')])
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done']))
    store.getState().changeSettings({ prompt: 'a drawing of' })
    store.getState().addImages([picture('b')])
    await vi.waitFor(() => expect(answer).toHaveBeenCalledTimes(2))
    const prompts = answer.mock.calls.map(([{ asked }]) => asked)
    expect(prompts).toEqual(['a photo of', 'a drawing of'].map((prompt) => ({ kind: 'caption', prompt })))
  })

  it('shows the text so far and keeps what was written before a failure', async () => {
    const { store, answer } = openPage()
    const seen: string[] = []
    store.subscribe(() => {
      for (const { progress } of Object.values(store.getState().underWay))
        if (progress.stage === 'writing' && progress.text !== seen.at(-1)) seen.push(progress.text)
    })
    answer.mockImplementationOnce((_, report) => {
      report({ stage: 'writing', text: 'a', tokens: 1 })
      report({ stage: 'writing', text: 'a cat', tokens: 2 })
      return Promise.reject(new AppError('out-of-memory', 'Too large.'))
    })
    await store.getState().loadModel()
    store.getState().addImages([picture('a')])
    await vi.waitFor(() => expect(statuses(store)).toEqual(['failed']))
    expect(seen).toEqual(['a', 'a cat'])
    expect(answers(store)[0]).toMatchObject({ text: 'a cat', failure: { code: 'out-of-memory' } })
  })

  it('to a question that only a setting keeps out names the setting, and no other does', async () => {
    const { store, answer } = await withPicture()
    const message = 'The question is too long; shorten it.'
    const refuse = (answerTokens: number): void => {
      const details = { tokens: 400, allowed: 395, answerTokens }
      answer.mockRejectedValueOnce(new AppError('prompt-too-long', message, { details }))
    }
    refuse(11)
    refuse(0)
    for (const question of ['what is it?', 'why?']) {
      store.getState().changeDraft(question)
      store.getState().send()
    }
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'failed', 'failed']))
    expect(answers(store).slice(1)).toMatchObject([
      {
        failure: {
          message: 'The question is too long; shorten it, or set “Longest answer” to 11 or less.',
        },
      },
      { failure: { message } },
    ])
  })

  it('by a model without a tokenizer is not begun, since nothing of it could be read', async () => {
    const { store, answer, load } = openPage()
    const { manifest, ...rest } = loaded('h')
    load.mockResolvedValue({ ...rest, manifest: { ...manifest, tokenizer: {} } })
    store.getState().addImages([picture('a')])
    await store.getState().loadModel()
    await vi.waitFor(() => expect(statuses(store)).toEqual(['failed']))
    expect(answers(store)[0]).toMatchObject({ failure: { code: 'unsupported-model' } })
    expect(store.getState().announcement).toEqual([
      'a:',
      { key: 'failures:unsupported-model', exactly: expect.stringContaining('has no tokenizer') as string },
    ])
    expect(answer).not.toHaveBeenCalled()
  })

  it('stops the answer under way and no other', async () => {
    const { store, answer } = openPage()
    answer.mockImplementationOnce(
      (_, __, signal) =>
        new Promise((resolve) =>
          signal.addEventListener('abort', () => resolve({ ...ANSWERED, finish: 'stopped' })),
        ),
    )
    await store.getState().loadModel()
    store.getState().addImages([picture('a'), picture('b')])
    await vi.waitFor(() => expect(answer).toHaveBeenCalled())
    store.getState().stop()
    await vi.waitFor(() => expect(statuses(store)).toEqual(['done', 'done']))
    expect(answers(store)).toMatchObject([{ facts: { finish: 'stopped' } }, { facts: { finish: 'end' } }])
  })
})
