/** The channel between two processes of Node, as the port that calls go over. */
import type { Port } from '../protocol/rpc.ts'

/** What a child process and one's own `process` have in common. */
interface Channel {
  send?: (message: object) => boolean
  on(event: 'message', listener: (message: unknown) => void): unknown
}

export function portOf(channel: Channel): Port {
  return {
    postMessage: (message) => void channel.send?.(message as object),
    addEventListener: (_, listener) =>
      void channel.on('message', (data) => listener(new MessageEvent('message', { data }))),
  }
}
