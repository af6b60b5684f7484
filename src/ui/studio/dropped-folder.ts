import { useTranslation } from 'react-i18next'
import { folderOfFiles } from '../../studio/folder.ts'
import { droppedFiles } from '../taking/dropped-files.ts'
import { useApp } from '../store-context.ts'

/** People have thousands of pictures in folders of folders; what ends this is a folder that lies in itself. */
const LIMITS = { files: 100_000, depth: 32 }

/** The part of File System Access that TypeScript does not know. */
interface WithHandle {
  getAsFileSystemHandle?(): Promise<FileSystemHandle | null>
}

/** Opens what was dropped: the folder itself where the browser gives it, so that captions can be written into it; else its files. */
export function useDroppedFolder(): (transfer: DataTransfer | null) => Promise<void> {
  const { t } = useTranslation('studio')
  const { open, openHandle } = useApp((state) => state.studioActions)
  return async (transfer) => {
    // Both before anything is waited for: afterwards the browser forgets what was dropped.
    const items: (DataTransferItem & WithHandle)[] = [...(transfer?.items ?? [])]
    const handle = items.length === 1 ? items[0]?.getAsFileSystemHandle?.() : undefined
    const files = droppedFiles(transfer, LIMITS)
    files.catch(() => undefined)
    const folder = await handle?.catch(() => null)
    if (isFolder(folder) && (await openHandle(folder))) return
    const found = await files
    if (found.length > 0) await open(folderOfFiles(found, t('someFiles')))
  }
}

function isFolder(handle: FileSystemHandle | null | undefined): handle is FileSystemDirectoryHandle {
  return handle?.kind === 'directory'
}
