/**
 * This page among those of the same site: each holds a lock of its own name for as long as it lives, which the browser
 * takes back when it is closed or dies, and all hear one channel.
 */
import type { TabNews, Tabs } from '../conversation/library.ts'
import type { Channel } from './channel.ts'
import type { Locks } from './locks.ts'

export interface OpenTab<Progress> extends Tabs<Progress> {
  /** As if the page were closed; browsers do that by themselves. */
  close(): void
}

/** Where locks reach no further than this page, every other counts as gone. */
export function openTab<Progress>(
  id: string,
  locks: Locks,
  channel: Channel<TabNews<Progress>>,
): OpenTab<Progress> {
  let close = (): void => undefined
  const closed = new Promise<void>((resolve) => (close = resolve))
  const present = new Promise<void>((resolve) => {
    const held = locks.exclusive(lockOf(id), () => {
      resolve()
      return closed
    })
    // Where a browser refuses locks, nobody knows of this page, and it works all the same.
    held.catch(() => resolve())
  })
  return {
    id,
    present,
    untilGone: (tab) => locks.shared(lockOf(tab), () => Promise.resolve()).catch(() => undefined),
    post: (news) => channel.post(news),
    listen: (hear) => void channel.listen(hear),
    close,
  }
}

const lockOf = (tab: string): string => `pictalk-tab-${tab}`
