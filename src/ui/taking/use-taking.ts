import { useTranslation } from 'react-i18next'
import type { Aside } from '../../state/taking-slice.ts'
import { useApp } from '../store-context.ts'
import { fetchPicture } from './fetch-picture.ts'
import { picturesOf } from './transfer.ts'

/** Takes files as pictures. */
export function useTakeFiles(): (files: File[], aside?: Aside) => void {
  const { t } = useTranslation('talk')
  const take = useApp((state) => state.takePictures)
  return (files, aside) =>
    void take(
      files.map((file) => ({ image: file, name: file.name || t('adding.pasted') })),
      aside,
    )
}

/** Takes the picture at an address, or says why not. True when it was taken. */
export function useTakeAddress(): (address: string, signal: AbortSignal) => Promise<boolean> {
  const take = useApp((state) => state.takePictures)
  const remark = useApp((state) => state.remark)
  return async (address, signal) => {
    const fetched = await fetchPicture(address, signal)
    if ('picture' in fetched) await take([fetched.picture])
    else remark(fetched.refused)
    return 'picture' in fetched
  }
}

/** Empty outside secure contexts, and without `read` where only keys paste. */
function clipboardHere(): Partial<Clipboard> {
  return (globalThis as { navigator?: { clipboard?: Clipboard } }).navigator?.clipboard ?? {}
}

/**
 * Takes what was copied, for whoever has no keys to paste with; says so where nothing can be taken. Null where the browser
 * has no way to ask for it.
 */
export function usePasting(): (() => void) | null {
  const takeFiles = useTakeFiles()
  const remark = useApp((state) => state.remark)
  if (!('read' in clipboardHere())) return null
  const paste = async (): Promise<void> => {
    try {
      const pictures = await picturesOf(await navigator.clipboard.read())
      if (pictures.length === 0) remark({ key: 'talk:adding.nothingCopied' })
      else takeFiles(pictures.map((picture) => new File([picture], '', { type: picture.type })))
    } catch (error) {
      const isRefused = error instanceof DOMException && error.name === 'NotAllowedError'
      remark({ key: isRefused ? 'talk:adding.pasteRefused' : 'talk:adding.pasteFailed' })
    }
  }
  return () => void paste()
}
