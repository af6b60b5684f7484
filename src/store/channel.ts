/** What tabs of this site tell each other: the part of BroadcastChannel that we use, so that tests can do without it. */
export interface Channel<News> {
  /** Tells everybody else. */
  post(news: News): void
  /** Hears what others say, until the function that it gives is called. */
  listen(hear: (news: News) => void): () => void
}

/** The channel of this name; a silent one where the browser gives none, which is as if there were no other tab. */
export function browserChannel<News>(name: string): Channel<News> {
  const channel = open(name)
  return {
    post: (news) => channel?.postMessage(news),
    listen: (hear) => {
      const onMessage = ({ data }: MessageEvent<News>): void => hear(data)
      channel?.addEventListener('message', onMessage)
      return () => channel?.removeEventListener('message', onMessage)
    },
  }
}

function open(name: string): BroadcastChannel | null {
  try {
    return new BroadcastChannel(name)
  } catch {
    // Absent, or refused where site data is blocked.
    return null
  }
}

/** A channel among the threads of a test: each end hears what the others post, a moment later. */
export function channelInMemory<News>(): { join: () => Channel<News> } {
  const ends = new Set<Set<(news: News) => void>>()
  return {
    join: () => {
      const own = new Set<(news: News) => void>()
      ends.add(own)
      return {
        post: (news) => {
          const copy = structuredClone(news)
          for (const end of ends) if (end !== own) for (const hear of end) queueMicrotask(() => hear(copy))
        },
        listen: (hear) => {
          own.add(hear)
          return () => own.delete(hear)
        },
      }
    },
  }
}
