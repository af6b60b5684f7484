/** A stand-in for the hub: its API and its addresses, with the files on another origin behind redirects. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startFaultServer, type FaultServer } from './fault-server.ts'

export interface HubServer {
  /** The hub itself: API and redirects. Ends in `/`. */
  url: string
  hub: FaultServer
  /** Where redirects lead: every byte of a file comes from here. */
  files: FaultServer
  /** What `main` points to. */
  commit: string
  close(): Promise<void>
}

/** Serves folders as repositories: `owner/name` → folder. With `token`, only to those who send it. */
export async function startHubServer(
  repositories: Record<string, string>,
  { token }: { token?: string } = {},
): Promise<HubServer> {
  const cache = new Map<string, Uint8Array>()
  const read = async (path: string): Promise<Uint8Array | undefined> => {
    const known = cache.get(path) ?? (await readFile(path).catch(() => undefined))
    if (known !== undefined) cache.set(path, known)
    return known
  }
  const files = await startFaultServer((path) => {
    const [owner = '', name = '', ...rest] = path.split('/')
    const folder = repositories[`${owner}/${name}`]
    return folder === undefined ? undefined : read(join(folder, ...rest))
  })
  const state = { commit: '0123456789abcdef0123456789abcdef01234567' }
  const hub = await startFaultServer(async (path) => {
    const info = /^api\/models\/([^/]+\/[^/]+)\/revision\/(.+)$/.exec(path)
    const folder = repositories[info?.[1] ?? '']
    if (folder === undefined || (info?.[2] !== 'main' && info?.[2] !== state.commit)) return undefined
    const siblings = (await readdir(folder)).map((rfilename) => ({ rfilename }))
    return new TextEncoder().encode(JSON.stringify({ id: info[1], sha: state.commit, siblings }))
  })
  hub.fault = (path, _count, _start, headers) => {
    if (token !== undefined && headers.authorization !== `Bearer ${token}`)
      return { kind: 'answer', status: 401, body: 'Invalid username or password.' }
    const resolved = /^([^/]+\/[^/]+)\/resolve\/([^/]+)\/(.+)$/.exec(path)
    if (resolved === null) return undefined
    if (resolved[2] !== state.commit) return { kind: 'answer', status: 404 }
    return {
      kind: 'redirect',
      to: () => `${files.origin}/${resolved[1] ?? ''}/${resolved[3] ?? ''}?signed=1`,
    }
  }
  return {
    url: `${hub.origin}/`,
    hub,
    files,
    get commit() {
      return state.commit
    },
    set commit(commit) {
      state.commit = commit
    },
    close: async () => {
      await hub.close()
      await files.close()
    },
  }
}
