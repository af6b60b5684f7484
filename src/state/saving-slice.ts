/** A kept model leaves the browser, one at a time. */
import { toFailure, type Failure } from '../pack/failure.ts'
import type { KeeperCalls, KeptModel } from '../protocol/keeper-calls.ts'
import type { Client } from '../protocol/rpc.ts'
import type { GetState, SetState } from './store.ts'

export type Saving =
  | { status: 'idle' }
  | { status: 'running'; id: string; doneBytes: number; totalBytes: number }
  | { status: 'failed'; failure: Failure }

export interface SavingSlice {
  saving: Saving
  /** Asks the browser for a folder where it has such a thing, else offers a ZIP file. */
  saveKept: (model: KeptModel) => Promise<void>
  cancelSaving: () => void
}

export interface SavingDependencies {
  client: Client<KeeperCalls>
  /** A folder to write to; 'none' where the browser cannot, undefined when the person changed their mind. */
  chooseFolder: () => Promise<FileSystemDirectoryHandle | 'none' | undefined>
  offerFile: (file: Blob, name: string) => void
}

export function savingSlice(
  set: SetState,
  get: GetState,
  { client, chooseFolder, offerFile }: SavingDependencies,
): SavingSlice {
  let stop = new AbortController()
  return {
    saving: { status: 'idle' },
    async saveKept({ id, name, precision }) {
      if (get().saving.status === 'running') return
      const folder = await chooseFolder()
      if (folder === undefined || get().saving.status === 'running') return
      stop = new AbortController()
      const { signal } = stop
      const onEvent = (progress: { doneBytes: number; totalBytes: number }): void =>
        set({ saving: { status: 'running', id, ...progress } })
      onEvent({ doneBytes: 0, totalBytes: 0 })
      try {
        const request = { id, folder: folder === 'none' ? null : folder }
        const zip = await client.call('save', request, { onEvent, signal })
        if (zip !== null) offerFile(zip, `${name.replace(/[^\w.-]+/g, '-')}-${precision ?? 'pack'}.zip`)
        set({ saving: { status: 'idle' }, announcement: { key: 'models:said.saved', values: { name } } })
      } catch (error) {
        const failure = toFailure(error)
        set({ saving: signal.aborted ? { status: 'idle' } : { status: 'failed', failure } })
      }
    },
    cancelSaving: () => stop.abort(),
  }
}
