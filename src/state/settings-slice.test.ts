import { describe, expect, it } from 'vitest'
import { openPage } from '../../testing/state/fake-browser.ts'
import { GREEDY } from '../pack/decoding.ts'

describe('settings', () => {
  it('are kept and restored', () => {
    const { store, kept } = openPage()
    store.getState().changeSettings({ prompt: 'a photo of', theme: 'dark' })
    expect(kept.at(-1)).toMatchObject({ prompt: 'a photo of', theme: 'dark', preset: 'quick' })
    expect(openPage({ kept }).store.getState().settings).toEqual(store.getState().settings)
  })

  it.each([
    ['no object', 'nonsense'],
    [
      'values of other kinds',
      {
        theme: 'plaid',
        prompt: 7,
        own: { beams: 0 },
        preset: 'x',
        template: 'y',
        prefer: 'magic',
        memory: 'little',
      },
    ],
  ])('fall back to the defaults where what was kept is %s', (_, kept) => {
    expect(openPage({ kept: [kept] }).store.getState().settings).toEqual(openPage().store.getState().settings)
  })

  it.each([
    ['never', 'auto'],
    ['always', 'always'],
  ])('no longer go by the default of former visits: kernels that were %s are %s', (kernels, ownKernels) => {
    const { store, kept } = openPage({ kept: [{ theme: 'dark', kernels }] })
    expect(store.getState().settings).toMatchObject({ theme: 'dark', ownKernels })
    for (const chosen of ['never', 'auto'] as const) {
      store.getState().changeSettings({ ownKernels: chosen })
      expect(openPage({ kept }).store.getState().settings.ownKernels).toBe(chosen)
    }
  })

  it('of one’s own way of answering keep what another tab has changed of it, where the two go together', () => {
    const kept: unknown[] = []
    const [one, other] = [openPage({ kept }).store, openPage({ kept }).store]
    const change = ({ getState }: typeof one, own: Partial<typeof GREEDY>): void =>
      getState().changeSettings({ own: { ...getState().settings.own, ...own } })
    const lying = () => openPage({ kept }).store.getState().settings.own
    change(one, { beams: 3 })
    change(other, { maxNewTokens: 40 })
    expect(lying()).toEqual({ ...GREEDY, beams: 3, maxNewTokens: 40 })
    change(one, { minNewTokens: 20 })
    // Its own page has never heard of the 20, with which it would be no way of answering at all.
    change(other, { maxNewTokens: 10 })
    expect(lying()).toEqual(other.getState().settings.own)
  })

  it('hold for the visit where nothing can be kept', () => {
    const full: unknown[] = []
    full.push = () => {
      throw new DOMException('full', 'QuotaExceededError')
    }
    const { store } = openPage({ kept: full })
    store.getState().changeSettings({ prompt: 'a photo of' })
    expect(store.getState().settings.prompt).toBe('a photo of')
  })
})
