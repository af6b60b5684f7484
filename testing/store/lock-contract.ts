/** What locks and channels promise to the tabs of one site. */
import { holds, rejects, same, soon, type Contract } from './store-under-test.ts'

/** Work that ends when it is told to. */
export function held(): { work: () => Promise<string>; end: () => void; began: () => boolean } {
  let end = (): void => undefined
  let began = false
  const done = new Promise<string>((resolve) => (end = () => resolve('done')))
  return { work: () => ((began = true), done), end: () => end(), began: () => began }
}

/** Long enough for a browser to hand out a lock or a message, if it is going to. */
export const A_WHILE_MS = 60

async function until(done: () => boolean, what: string): Promise<void> {
  for (let waited = 0; !done(); waited += 5) {
    holds(waited < 5000, what)
    await soon(5)
  }
}

const codeOf = (error: unknown): unknown => (error as { code?: unknown }).code

export const lockContract: Contract = {
  'let one in at a time, in order, and go on after one that failed': async (store, name) => {
    const [first, second] = [held(), held()]
    const failing = store.locks().exclusive(name, async () => {
      await first.work()
      throw new Error('broken')
    })
    const waiting = store.locks().exclusive(name, second.work)
    await until(first.began, 'the first gets in')
    await soon(A_WHILE_MS)
    same(second.began(), false, 'whether the second is in')
    first.end()
    same(String(await rejects(failing, 'work that throws')), 'Error: broken', 'what it rejects with')
    await until(second.began, 'the second gets in')
    second.end()
    same(await waiting, 'done', 'what the second gave')
  },
  'let sharers in together, and nobody past one who waits to be alone': async (store, name) => {
    const all = [held(), held(), held(), held()]
    const [one, two, alone, late] = all as [
      (typeof all)[0],
      (typeof all)[0],
      (typeof all)[0],
      (typeof all)[0],
    ]
    const locks = store.locks()
    const working = [
      locks.shared(name, one.work),
      locks.shared(name, two.work),
      locks.exclusive(name, alone.work),
      locks.shared(name, late.work),
    ]
    const begun = (): boolean[] => all.map(({ began }) => began())
    await until(two.began, 'sharers get in')
    await soon(A_WHILE_MS)
    same(begun(), [true, true, false, false], 'who is in')
    one.end()
    two.end()
    await until(alone.began, 'the one who is alone gets in')
    await soon(A_WHILE_MS)
    same(begun(), [true, true, true, false], 'who is in after that')
    alone.end()
    late.end()
    await Promise.all(working)
  },
  'say at once when a name is taken': async (store, name) => {
    const first = held()
    const holding = store.locks().ifFree(name, first.work)
    await until(first.began, 'the first gets in')
    same(await store.locks().ifFree(name, () => Promise.resolve('second')), undefined, 'a taken name')
    same(await store.locks().ifFree(`${name} b`, () => Promise.resolve('other')), 'other', 'another name')
    first.end()
    same(await holding, 'done', 'what the first gave')
    same(await store.locks().ifFree(name, () => Promise.resolve('second')), 'second', 'a free name')
  },
  'are not waited for any longer than until the signal': async (store, name) => {
    const [first, never] = [held(), held()]
    const holding = store.locks().exclusive(name, first.work)
    await until(first.began, 'the first gets in')
    const stop = new AbortController()
    const waiting = store.locks().exclusive(name, never.work, stop.signal)
    stop.abort()
    same(codeOf(await rejects(waiting, 'waiting')), 'cancelled', 'its code')
    const late = store.locks().exclusive(name, never.work, AbortSignal.abort())
    same(codeOf(await rejects(late, 'a signal that had fired')), 'cancelled', 'its code')
    first.end()
    await holding
    same(never.began(), false, 'whether the work was begun')
    same(await store.locks().exclusive(name, () => Promise.resolve('free')), 'free', 'the next one')
  },
}

export const channelContract: Contract = {
  'reach everybody but who speaks, in order, until they listen no more': async (store, name) => {
    const [here, there] = [store.channel<{ say: string }>(name), store.channel<{ say: string }>(name)]
    const heard: string[] = []
    const deafenHere = here.listen(({ say }) => heard.push(`here: ${say}`))
    const deafen = there.listen(({ say }) => heard.push(`there: ${say}`))
    here.post({ say: 'one' })
    here.post({ say: 'two' })
    await until(() => heard.length === 2, 'both are heard')
    there.post({ say: 'three' })
    await until(() => heard.length === 3, 'the third is heard')
    deafen()
    here.post({ say: 'four' })
    await soon(A_WHILE_MS)
    deafenHere()
    same(heard, ['there: one', 'there: two', 'here: three'], 'what was heard')
  },
  'do not reach another channel, and hand over what was there when it was said': async (store, name) => {
    const [here, there] = [store.channel<string[]>(name), store.channel<string[]>(name)]
    const elsewhere = store.channel<string[]>(`${name} b`)
    const heard: unknown[] = []
    const deafen = [there, elsewhere].map((channel) => channel.listen((news) => heard.push(news)))
    const news = ['said']
    here.post(news)
    news.push('and changed')
    await until(() => heard.length > 0, 'it is heard')
    await soon(A_WHILE_MS)
    for (const stop of deafen) stop()
    same(heard, [['said']], 'what was heard')
  },
}
