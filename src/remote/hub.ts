/**
 * A repository of the Hugging Face hub, or of a server with the same layout, pinned to one commit: everything that is
 * read afterwards is of that commit, whatever is pushed in between.
 * Endpoints: https://huggingface.co/docs/hub/api (`/api/models/{repo}/revision/{rev}`, `/{repo}/resolve/{rev}/{path}`).
 */
import { readText, type FileTree } from '../pack/bytes.ts'
import { AppError } from '../pack/failure.ts'
import { httpTree, type HttpTreeOptions } from './http-tree.ts'

/** The public hub; a host of the page may name a mirror instead. */
export const PUBLIC_HUB = 'https://huggingface.co/'

export interface HubRepository {
  /** The commit, 40 hexadecimal digits. */
  commit: string
  /** Where its files lie, ending in `/`. */
  base: URL
  tree: FileTree
}

export type HubOptions = Omit<HttpTreeOptions, 'version' | 'files'>

const MAX_FILES = 10_000

/** Throws `not-found`, `forbidden` and what requests throw. */
export async function openHub(
  hub: URL,
  { repository, revision }: { repository: string; revision: string },
  options: HubOptions,
): Promise<HubRepository> {
  const api = httpTree(new URL(`api/models/${repository}/revision/`, hub), options)
  const text = await readText(api, revision).catch((cause: unknown) => {
    if (!(cause instanceof AppError) || cause.code !== 'forbidden') throw cause
    // The hub says 401 for a repository that does not exist, so as not to betray private ones.
    throw new AppError(
      'forbidden',
      `${hub.host} shows no repository ${repository} to us; check the name, or give a token that may read it.`,
      { cause },
    )
  })
  if (text === undefined)
    throw new AppError('not-found', `${hub.host} has no ${repository} at ${revision}; check the name.`)
  const { commit, files } = parseInfo(text, hub)
  const base = new URL(`${repository}/resolve/${commit}/`, hub)
  return { commit, base, tree: httpTree(base, { ...options, version: commit, files }) }
}

function parseInfo(text: string, hub: URL): { commit: string; files: Set<string> } {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw notHub(hub, cause)
  }
  const { sha, siblings } = { sha: undefined, siblings: undefined, ...(json as object | null) } as Record<
    string,
    unknown
  >
  if (typeof sha !== 'string' || !/^[0-9a-f]{40}$/.test(sha)) throw notHub(hub)
  if (!Array.isArray(siblings) || siblings.length > MAX_FILES) throw notHub(hub)
  const names = (siblings as unknown[]).map((entry) => (entry as { rfilename?: unknown } | null)?.rfilename)
  return { commit: sha, files: new Set(names.filter((name) => typeof name === 'string')) }
}

function notHub(hub: URL, cause?: unknown): AppError {
  return new AppError('bad-response', `${hub.host} does not answer like the hub; check the address.`, {
    cause,
  })
}
