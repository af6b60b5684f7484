import { describe, expect, it, vi } from 'vitest'
import type { TabNews } from '../conversation/library.ts'
import { channelInMemory } from './channel.ts'
import { locksInMemory, type Locks } from './locks.ts'
import { openTab, type OpenTab } from './tabs.ts'

const news: TabNews<string> = { kind: 'changed', conversationId: 'c', revision: 3 }

describe('a page among others', () => {
  it('is there until it is closed, and everybody who waits for that hears of it', async () => {
    const locks = locksInMemory()
    const channel = channelInMemory<TabNews<string>>()
    const open = (id: string): OpenTab<string> => openTab(id, locks, channel.join())
    const [one, two, three] = [open('one'), open('two'), open('three')]
    await Promise.all([one.present, two.present, three.present])
    const gone = vi.fn()
    const waiting = [two, three].map((tab) => tab.untilGone('one').then(gone))
    await new Promise((resolve) => setTimeout(resolve))
    expect(gone).not.toHaveBeenCalled()
    one.close()
    await Promise.all(waiting)
    expect(gone).toHaveBeenCalledTimes(2)
    await two.untilGone('one')
    await two.untilGone('never there')
  })

  it('hears what the others say, and not itself', async () => {
    const locks = locksInMemory()
    const channel = channelInMemory<TabNews<string>>()
    const one = openTab('one', locks, channel.join())
    const two = openTab('two', locks, channel.join())
    const [atOne, atTwo] = [vi.fn(), vi.fn()]
    one.listen(atOne)
    two.listen(atTwo)
    one.post(news)
    await new Promise((resolve) => setTimeout(resolve))
    expect(atTwo).toHaveBeenCalledExactlyOnceWith(news)
    expect(atOne).not.toHaveBeenCalled()
  })

  it('works where the browser refuses locks; others then count as gone', async () => {
    const refuse = (): Promise<never> => Promise.reject(new DOMException('no', 'SecurityError'))
    const locks: Locks = { exclusive: refuse, shared: refuse, ifFree: refuse }
    const tab = openTab('one', locks, channelInMemory<TabNews<string>>().join())
    await tab.present
    await tab.untilGone('two')
  })
})
