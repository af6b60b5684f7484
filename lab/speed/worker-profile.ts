/** Where a page's workers spend their time, by function: a sampling profile of all of them together. */
import type { CDPSession, Page } from 'puppeteer-core'

interface Profile {
  nodes: { id: number; callFrame: { functionName: string; url: string } }[]
  samples: number[]
  timeDeltas: number[]
}

/** Milliseconds by function and file, the longest first. */
export type SelfTimes = [place: string, ms: number][]

/** To be started before the workers are. What is returned ends it. */
export async function profileWorkers(page: Page): Promise<() => Promise<SelfTimes>> {
  const session = await page.createCDPSession()
  const workers = new Workers(session)
  // Flat sessions are the debugger's own; these can be talked to through the page's.
  await session.send('Target.setAutoAttach', {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: false,
  })
  return async () => {
    const times = new Map<string, number>()
    for (const profile of await workers.stop()) addSelfTimes(profile, times)
    await session.detach()
    return [...times].sort(([, a], [, b]) => b - a)
  }
}

class Workers {
  readonly #session: CDPSession
  readonly #attached = new Set<string>()
  readonly #answers = new Map<number, (result: { profile?: Profile }) => void>()
  #last = 0

  constructor(session: CDPSession) {
    this.#session = session
    session.on('Target.attachedToTarget', ({ sessionId, targetInfo }) => {
      if (targetInfo.type !== 'worker') return
      this.#attached.add(sessionId)
      for (const method of ['Profiler.enable', 'Profiler.start'])
        // One that has ended meanwhile has no profile.
        this.#ask(sessionId, method).catch(() => this.#attached.delete(sessionId))
    })
    session.on('Target.detachedFromTarget', ({ sessionId }) => this.#attached.delete(sessionId))
    session.on('Target.receivedMessageFromTarget', ({ message }) => {
      const { id, result = {} } = JSON.parse(message) as { id: number; result?: { profile?: Profile } }
      this.#answers.get(id)?.(result)
    })
  }

  async stop(): Promise<Profile[]> {
    const stopped = await Promise.all([...this.#attached].map((id) => this.#ask(id, 'Profiler.stop')))
    return stopped.flatMap(({ profile }) => profile ?? [])
  }

  async #ask(sessionId: string, method: string): Promise<{ profile?: Profile }> {
    this.#last += 1
    const id = this.#last
    const answered = new Promise<{ profile?: Profile }>((resolve) => this.#answers.set(id, resolve))
    await this.#session.send('Target.sendMessageToTarget', {
      sessionId,
      message: JSON.stringify({ id, method }),
    })
    return answered
  }
}

function addSelfTimes({ nodes, samples, timeDeltas }: Profile, times: Map<string, number>): void {
  const places = new Map(
    nodes.map(({ id, callFrame: { functionName, url } }) => [
      id,
      `${functionName || '(anonymous)'} ${new URL(url || 'x:').pathname.split('/').slice(-2).join('/')}`.trim(),
    ]),
  )
  for (const [i, id] of samples.entries()) {
    const place = places.get(id) ?? ''
    times.set(place, (times.get(place) ?? 0) + (timeDeltas[i] ?? 0) / 1000)
  }
}
